"""A line to type in whose arrows walk the list beneath it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit


class SearchField(QLineEdit):
    """Up, down, Return and Escape are for the list."""

    walked = Signal(int)  # 1 down, -1 up
    confirmed = Signal()
    left = Signal()  # by Escape
    lost = Signal()  # the focus went elsewhere: whoever goes is done with searching

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys of the list, or typing."""
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.left.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.confirmed.emit()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.walked.emit(1 if key == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """See lost."""
        super().focusOutEvent(event)
        self.lost.emit()
