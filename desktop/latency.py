"""From the user's hand to the picture: how long it took, measured at both ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Slot

KEPT = 400
TICK_MS = 5


@dataclass(frozen=True)
class Figures:
    """Milliseconds; None until something was measured."""

    p50_ms: float | None
    p95_ms: float | None
    count: int


class InputToPaint:
    """Matches inputs with the first paint that shows their picture or a newer one."""

    def __init__(self) -> None:
        self._order = 0
        self._waiting: deque[tuple[int, float]] = deque()
        self._orders: dict[Hashable, int] = {}
        self._taken: deque[float] = deque(maxlen=KEPT)

    def asked(self, key: Hashable, began_s: float) -> None:
        """An input at `began_s` (time.perf_counter) asks for the picture named by key."""
        self._order += 1
        self._orders[key] = self._order
        self._waiting.append((self._order, began_s))
        if len(self._orders) > 4 * KEPT:
            self._orders = dict(list(self._orders.items())[-KEPT:])

    def painted(self, key: Hashable) -> None:
        """The picture named by key is on the screen now."""
        now = time.perf_counter()
        order = self._orders.get(key, 0)
        while self._waiting and self._waiting[0][0] <= order:
            self._taken.append((now - self._waiting.popleft()[1]) * 1000)

    def forget(self) -> None:
        """Nothing that was asked for will come: another model is on the table."""
        self._waiting.clear()
        self._orders.clear()

    def reset(self) -> None:
        """Begin a new measurement."""
        self._taken.clear()
        self.forget()

    def figures(self) -> Figures:
        """Median and 95th percentile of what was measured last."""
        taken = sorted(self._taken)
        if not taken:
            return Figures(None, None, 0)
        return Figures(_quantile(taken, 0.5), _quantile(taken, 0.95), len(taken))


def _quantile(ordered: list[float], part: float) -> float:
    """By nearest rank."""
    return ordered[min(len(ordered) - 1, max(0, round(part * len(ordered) + 0.5) - 1))]


class LoopGap(QObject):
    """The longest time for which the event loop answered nothing."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.longest_ms = 0.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Measure from now on."""
        self.longest_ms = 0.0
        self._clock.start()
        self._timer.start()

    def stop(self) -> float:
        """End the measurement; the longest gap in milliseconds."""
        self._tick()
        self._timer.stop()
        return self.longest_ms

    @Slot()
    def _tick(self) -> None:
        gap_ms = self._clock.nsecsElapsed() / 1e6 - TICK_MS
        self._clock.restart()
        self.longest_ms = max(self.longest_ms, gap_ms)
