"""The tour below the canvas: what to see, what to try, where it was written, and the way on."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.messages import plain
from desktop.widgets.button import IconButton, push
from desktop.widgets.frames import named
from desktop.widgets.text import label


class TourBar(QWidget):
    """Hidden while nobody tours."""

    back_wanted = Signal()
    next_wanted = Signal()
    again_wanted = Signal()
    leave_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        inner = named(QWidget(), "tray")
        self._where = label(tone="muted")
        self._title = label(role="strong")
        self._text = label(wrap=True)
        self._try = label(wrap=True, role="strong")
        self._paper = label(tone="muted", wrap=True, selectable=True)
        self._back = push("Back", "The stop before", "tight")
        self._again = push("Reset picture", "This stop's picture as it was prepared", "tight")
        self._next = push("Next stop", "Go to the next stop", "primary")
        self._leave = IconButton(
            "close", "Leave the tour", "Leave; it goes on here later", size_px=14
        )
        head = QHBoxLayout()
        head.setSpacing(8)
        for part in (self._where, self._title):
            head.addWidget(part)
        head.addStretch(1)
        for button in (self._again, self._back, self._next, self._leave):
            head.addWidget(button)
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 8, 8, 10)
        column.setSpacing(4)
        column.addLayout(head)
        for line in (self._text, self._try, self._paper):
            column.addWidget(line)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(inner)
        self._back.clicked.connect(self.back_wanted)
        self._again.clicked.connect(self.again_wanted)
        self._next.clicked.connect(self.next_wanted)
        self._leave.clicked.connect(self.leave_wanted)
        self.setAccessibleName("Guided tour")
        self.hide()

    def show_stop(
        self, title: str, text: str, trial: str, paper: str, number: int, count: int
    ) -> None:
        """Another stop."""
        self._where.setText(f"{number} of {count}")
        self._title.setText(plain(title, 80))
        self._text.setText(plain(text, 700))
        self._try.setText(f"Try: {plain(trial, 300)}")
        self._paper.setText(plain(paper, 300))
        self._back.setEnabled(number > 1)
        last = number == count
        self._next.setText("Finish" if last else "Next stop")
        self._next.setToolTip("End the tour" if last else "Go to the next stop")
        self._next.setAccessibleName(self._next.text())
        self.setAccessibleDescription(f"{title}. {text} Try: {trial}")
        self.show()
        self._next.setFocus()
