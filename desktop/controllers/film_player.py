"""Plays a film by the clock: tells where it stands, and when it is over."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal, Slot

TICK_MS = 33


class FilmPlayer(QObject):
    """Counts time only; what is late is skipped, as a film is."""

    moved = Signal(float)  # share of the film
    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._began_s, self._length_s, self._loops = 0.0, 1.0, False
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._next)

    @property
    def playing(self) -> bool:
        """Whether the film runs."""
        return self._tick.isActive()

    def start(self, share: float, length_s: float, loops: bool) -> None:
        """Play from a place; from the start when it stands at its end."""
        share = 0.0 if share >= 1.0 else share
        self._length_s, self._loops = max(length_s, 0.001), loops
        self._began_s = time.monotonic() - share * length_s
        self._tick.start()

    def stop(self) -> None:
        """Stand still."""
        self._tick.stop()

    @Slot()
    def _next(self) -> None:
        share = (time.monotonic() - self._began_s) / self._length_s
        if share >= 1.0 and not self._loops:
            self._tick.stop()
            self.moved.emit(1.0)
            self.ended.emit()
        else:
            self.moved.emit(share % 1.0)
