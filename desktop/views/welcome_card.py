"""What a first start shows over the canvas: the tour, a project, the files of last time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.messages import plain
from desktop.widgets.button import IconButton, push
from desktop.widgets.text import label

WIDTH_PX = 440
MOST_RECENT = 4
FOOT_PX = 52  # room for the bar below the canvas
HELLO = (
    "Everything that you do here edits a Recipe, everything on screen is a rendering of one, and "
    "what you export is signed."
)


class WelcomeCard(QFrame):
    """Lies over the picture, which can be seen and used beside it. Escape closes."""

    tour_wanted = Signal()
    new_wanted = Signal()
    open_wanted = Signal()
    recent_chosen = Signal(object)  # Path
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self.setFixedWidth(WIDTH_PX)
        self.setAccessibleName("Welcome")
        self._recent: list[QPushButton] = []
        self._tour = push("Take the tour", "Twenty minutes through the ideas behind it", "primary")
        new = push("New project", "Begin with an empty project (Ctrl+N)")
        opener = push("Open…", "Open a project or a Recipe (Ctrl+O)")
        close = IconButton(
            "close", "Close", "Close (Esc); it is in the menu under Help", size_px=14
        )
        head = QHBoxLayout()
        head.addWidget(label("Welcome to Latent Atelier", role="title"), 1)
        head.addWidget(close)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._tour, 2)
        buttons.addWidget(new, 1)
        buttons.addWidget(opener, 1)
        self._files = QVBoxLayout()
        self._files.setSpacing(2)
        self._heading = label("Opened last", tone="muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(label(HELLO, wrap=True))
        column.addLayout(buttons)
        column.addWidget(self._heading)
        column.addLayout(self._files)
        self._tour.clicked.connect(self.tour_wanted)
        new.clicked.connect(self.new_wanted)
        opener.clicked.connect(self.open_wanted)
        close.clicked.connect(self.closed)
        self.show_recent(())
        self.hide()

    def show_tour(self, begun: bool) -> None:
        """Whether the tour was begun before."""
        self._tour.setText("Go on with the tour" if begun else "Take the tour")

    def show_recent(self, paths: Sequence[Path]) -> None:
        """The files of last time."""
        for button in self._recent:
            button.deleteLater()
        self._recent = []
        for path in paths[:MOST_RECENT]:
            button = push(plain(path.name, 50), plain(str(path)), "tight")
            button.setProperty("path", path)
            button.clicked.connect(self._choose)
            self._files.addWidget(button)
            self._recent.append(button)
        self._heading.setVisible(bool(paths))
        self.place()

    def appear(self) -> None:
        """Show it, the tour's button focused."""
        self.show()
        self.raise_()
        self.place()
        self._tour.setFocus()

    def place(self) -> None:
        """At the foot of the canvas, so that the picture can be seen."""
        self.adjustSize()
        parent = self.parentWidget()
        if parent is not None:
            x = (parent.width() - self.width()) // 2
            self.move(max(0, x), max(8, parent.height() - self.height() - FOOT_PX))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _choose(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            self.recent_chosen.emit(button.property("path"))
