"""A token that long work asks, between steps, whether it should stop."""

from __future__ import annotations

import threading

from engine.errors import Cancelled


class CancelToken:
    """Set once from any thread; asked as often as the work likes."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next step."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the work to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled when somebody asked the work to stop."""
        if self._event.is_set():
            raise Cancelled
