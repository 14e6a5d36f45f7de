"""Pictures that were rendered last, kept at hand."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from jaxtyping import UInt8

Pixels = UInt8[np.ndarray, "height width 3"]


class PixelCache:
    """Keeps the pictures asked for last, up to a number of bytes; safe in several threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._kept: OrderedDict[object, Pixels] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> Pixels | None:
        """The picture, now the most recent one, or None."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: object, pixels: Pixels) -> None:
        """Keep the picture and let the oldest go."""
        with self._lock:
            old = self._kept.pop(key, None)
            self._bytes += pixels.nbytes - (0 if old is None else old.nbytes)
            self._kept[key] = pixels
            while self._bytes > self._limit and self._kept:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Let everything go."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0
