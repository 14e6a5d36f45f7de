"""A collapsible section of the right column."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from desktop.widgets.button import IconButton
from desktop.widgets.frames import rule


class Section(QWidget):
    """A header that opens and closes what is below it.

    The content is made when the section is first opened, so that closed sections cost nothing at
    start. `note` is a short summary at the right of the header.
    """

    toggled = Signal(bool)

    def __init__(
        self,
        title: str,
        make: Callable[[], QWidget],
        is_open: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.title = title
        self._make: Callable[[], QWidget] | None = make
        self._content: QWidget | None = None
        self._header = IconButton(
            "right", title, f"Open or close {title}", size_px=14, text=title, role="header"
        )
        self._header.setCheckable(False)
        self._header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._header.setMinimumHeight(32)
        self._note = QLabel()
        self._note.setTextFormat(Qt.TextFormat.PlainText)
        self._note.setProperty("tone", "muted")
        head = QHBoxLayout()
        head.setContentsMargins(8, 4, 16, 4)
        head.setSpacing(8)
        head.addWidget(self._header, 1)
        head.addWidget(self._note)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addLayout(head)
        self._column.addWidget(rule())
        self._header.clicked.connect(self._flip)
        if is_open:
            self.set_open(True)

    @property
    def is_open(self) -> bool:
        """Whether the content shows."""
        return self._content is not None and not self._content.isHidden()

    @property
    def content(self) -> QWidget | None:
        """What was made for the section, if it was ever opened."""
        return self._content

    def set_open(self, is_open: bool) -> None:
        """Open or close."""
        if is_open and self._make is not None:
            self._content = self._make()
            self._make = None
            self._column.insertWidget(1, self._content)
        if self._content is not None:
            self._content.setVisible(is_open)
        self._note.setVisible(not is_open)
        self._header.set_icon("down" if is_open else "right")
        self._header.setAccessibleDescription("open" if is_open else "closed")

    def set_note(self, text: str) -> None:
        """Say in two or three words what stands below."""
        self._note.setText(text)

    def _flip(self) -> None:
        self.set_open(not self.is_open)
        self.toggled.emit(self.is_open)
