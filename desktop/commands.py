"""Undo: one command for each gesture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtGui import QUndoCommand

T = TypeVar("T")


class Replace(QUndoCommand, Generic[T]):
    """Put one frozen value in the place of another.

    The gesture has already been applied when the command is made, so the first redo does nothing.
    """

    def __init__(self, text: str, restore: Callable[[T], None], before: T, after: T) -> None:
        super().__init__(text)
        self._restore = restore
        self._before = before
        self._after = after
        self._fresh = True

    def redo(self) -> None:
        """Apply the later value again."""
        if self._fresh:
            self._fresh = False
            return
        self._restore(self._after)

    def undo(self) -> None:
        """Apply the earlier value."""
        self._restore(self._before)
