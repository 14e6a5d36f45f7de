"""Undo: one command for each gesture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtGui import QUndoCommand, QUndoStack

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


class Gesture(Generic[T]):
    """From the first live change to the hand's leaving: one step of undo.

    restore: puts a value in the place of the one that there is.
    """

    def __init__(self, undo: QUndoStack, restore: Callable[[T], None]) -> None:
        self._undo = undo
        self._restore = restore
        self._before: T | None = None

    def begin(self, before: T) -> None:
        """A live change comes; what was before the first one is what undo brings back."""
        if self._before is None:
            self._before = before

    def end(self, text: str, now: T | None) -> bool:
        """The hand is off; whether something is other than it was."""
        before, self._before = self._before, None
        if before is None or now is None or before == now:
            return False
        self._undo.push(Replace(text, self._restore, before, now))
        return True

    def drop(self) -> None:
        """Forget what began."""
        self._before = None

    @property
    def live(self) -> bool:
        """Whether a change began and has not ended."""
        return self._before is not None

    def whole(self, text: str, before: T | None, after: T) -> None:
        """A change that is a gesture of its own: apply it, and keep it for undo."""
        if before is not None and before != after:
            self._restore(after)
            self._undo.push(Replace(text, self._restore, before, after))
