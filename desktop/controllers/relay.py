"""Brings what a session tells from its thread to the window's; only the newest view waits."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal


class Relay(QObject):
    """take and end are called from any thread; came and ended are to be connected as queued.

    deaf: once set, nothing is told any more.
    """

    came = Signal()
    ended = Signal(object)  # exception or None

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.deaf = False
        self._newest: Any = None

    def take(self, view: Any) -> None:
        """A view came."""
        waits, self._newest = self._newest is not None, view
        if not waits and not self.deaf:
            self.came.emit()

    def end(self, error: BaseException | None) -> None:
        """The session ended."""
        if not self.deaf:
            self.ended.emit(error)

    def newest(self) -> Any:
        """The view that waits, taken; None when there is none."""
        view, self._newest = self._newest, None
        return view
