"""A labelled field for several texts, one a line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from desktop.widgets.text import label

LINES = 4


class LinesEdit(QWidget):
    """States the lines, without empty ones, when the field is left or Ctrl+Return is pressed."""

    written = Signal(object)  # tuple of str

    def __init__(self, name: str, tip: str, most: int = 8, length: int = 400) -> None:
        super().__init__()
        self._lines: tuple[str, ...] = ()
        self._most, self._length = most, length
        self._field = _Field(name, tip)
        head = label(name, tone="muted")
        head.setBuddy(self._field)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 20, 4)
        column.setSpacing(4)
        column.addWidget(head)
        column.addWidget(self._field)
        self._field.done.connect(self._finish)

    def set_lines(self, lines: Sequence[str]) -> None:
        """Show lines; emits nothing. What is being written stays."""
        self._lines = tuple(lines)
        if not self._field.hasFocus():
            self._show(self._lines)

    def _show(self, lines: tuple[str, ...]) -> None:
        text = "\n".join(lines)
        if text != self._field.toPlainText():
            self._field.setPlainText(text)

    def _finish(self) -> None:
        found = (" ".join(line.split())[: self._length] for line in self._text().splitlines())
        lines = tuple(dict.fromkeys(line for line in found if line))[: self._most]
        self._show(lines)
        if lines != self._lines:
            self.written.emit(lines)

    def _text(self) -> str:
        return self._field.toPlainText()


class _Field(QPlainTextEdit):
    """Tab leaves it."""

    done = Signal()

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(LINES * self.fontMetrics().lineSpacing() + 16)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Left: what is written counts."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.done.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+Return: what is written counts at once."""
        held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if held and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.done.emit()
        else:
            super().keyPressEvent(event)
