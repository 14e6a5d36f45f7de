"""The passphrase of the signing key, asked for in the window while a thread waits."""

from __future__ import annotations

import queue

from PySide6.QtCore import QObject, Signal, Slot

from engine.errors import Cancelled


class PassphraseBroker(QObject):
    """Called by the engine from a lane's thread; answered by the GUI thread.

    Only the lane waits. For a new key the engine asks twice; the window asks once, in two fields,
    so the second answer lies ready. No answer means: sign without the stored key.
    """

    asked = Signal()  # crosses from the lane's thread

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._answers: queue.SimpleQueue[str | Cancelled | None] = queue.SimpleQueue()
        self._waiting = False
        self._closed = False

    def __call__(self) -> str | None:
        """Ask the user, and wait for the answer. Raises Cancelled when the work is stopped."""
        if self._closed:
            return None
        if self._answers.empty():
            self._waiting = True
            self.asked.emit()
        answer = self._answers.get()
        self._waiting = False
        if isinstance(answer, Cancelled):
            raise answer
        return answer

    @Slot(str, str)
    def answer(self, passphrase: str, again: str) -> None:
        """What the user typed; `again` is "" unless the key is new. "" for no passphrase."""
        self._answers.put(passphrase or None)
        if passphrase and again:
            self._answers.put(again)

    @Slot()
    def give_up(self) -> None:
        """Stop the work that waits for an answer."""
        if self._waiting:
            self._answers.put(Cancelled())

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        self.give_up()
