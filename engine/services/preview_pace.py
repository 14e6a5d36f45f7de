"""How large a preview may be so that a drag stays fluent: by how long the last ones took."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence

BUDGET_S = 0.1
FIRST_PX = 64
GROWTH = 3.0  # a picture of twice the size takes about so many times as long


class PreviewPace:
    """Remembers, for each model and backend, how long pictures of each size took."""

    def __init__(self, budget_s: float = BUDGET_S) -> None:
        self._budget = budget_s
        self._took: dict[tuple[Hashable, int], float] = {}
        self._lock = threading.Lock()

    def took(self, key: Hashable, size_px: int, seconds: float) -> None:
        """A picture of that size was made; the quickest time counts, the first one loads."""
        with self._lock:
            known = self._took.get((key, size_px), seconds)
            # Slowly forgiving, so that a machine that got busy shows smaller pictures again.
            self._took[key, size_px] = min(seconds, known * 1.1)

    def size(self, key: Hashable, exits: Sequence[int], full_px: int) -> int | None:
        """The size to go for: an early exit, or None for the whole picture."""
        sizes = [size for size in exits if size >= FIRST_PX] or list(exits)[-1:]
        with self._lock:
            fits: int | None = sizes[0] if sizes and full_px > FIRST_PX * 2 else None
            if fits is None:
                return None
            for size in [*sizes, full_px]:
                known = self._took.get((key, size))
                below = self._took.get((key, size // 2))
                expected = known if known is not None else (below or 1e9) * GROWTH
                if expected <= self._budget:
                    fits = size
        return None if fits == full_px else fits
