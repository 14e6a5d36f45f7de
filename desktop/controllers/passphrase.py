"""The passphrase of the signing key, asked for in the window while a thread waits."""

from __future__ import annotations

import queue

from PySide6.QtCore import QObject, Signal, Slot


class PassphraseBroker(QObject):
    """Called by the engine from a lane's thread; answered by the GUI thread.

    Only the lane waits. An empty answer means: sign without the stored key, or not at all, as the
    engine decides.
    """

    asked = Signal()  # crosses from the lane's thread

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._closed = False

    def __call__(self) -> str | None:
        """Ask the user, and wait for the answer."""
        if self._closed:
            return None
        self.asked.emit()
        return self._answers.get()

    @Slot(str)
    def answer(self, passphrase: str) -> None:
        """What the user typed."""
        self._answers.put(passphrase or None)

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        self._answers.put(None)
