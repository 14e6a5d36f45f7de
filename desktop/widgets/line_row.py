"""A labelled field for one line of text."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.widgets.labelled_row import lay_labelled


class LineRow(QWidget):
    """The words at the left, the field at the right. States a text when it is another one."""

    written = Signal(str)

    def __init__(self, name: str, tip: str, example: str = "", most: int = 400) -> None:
        super().__init__()
        self._text = ""
        self._field = QLineEdit()
        self._field.setAccessibleName(name)
        self._field.setToolTip(tip)
        self._field.setPlaceholderText(example)
        self._field.setMaxLength(most)
        self._field.setFixedHeight(28)
        lay_labelled(self, name, self._field)
        self._field.editingFinished.connect(self._finish)

    def set_text(self, text: str) -> None:
        """Show a text; emits nothing. What is being written stays."""
        self._text = text
        if not self._field.hasFocus() or not self._field.isModified():
            self._show(text)

    def focus(self) -> None:
        """Ready to write."""
        self._field.setFocus()

    def put_back(self) -> None:
        """Show the last text again."""
        self._show(self._text)

    def _show(self, text: str) -> None:
        self._field.setText(text)
        self._field.setCursorPosition(0)  # a long text begins at its beginning

    @Slot()
    def _finish(self) -> None:
        text = " ".join(self._field.text().split())
        self._show(text)  # also makes it unmodified
        if text != self._text:
            self.written.emit(text)
