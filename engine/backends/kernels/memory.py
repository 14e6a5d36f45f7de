"""Arrays that begin where a line of the processor's cache does: a vector or a line of a tile that
lies across two of them takes twice as long to fetch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LINE = 64  # bytes


def empty(shape: int | tuple[int, ...], kind: Any = np.float32) -> np.ndarray:
    """As numpy.empty."""
    return _within(np.empty, shape, kind)


def zeros(shape: int | tuple[int, ...], kind: Any = np.float32) -> np.ndarray:
    """As numpy.zeros; the system clears the memory when it is first touched."""
    return _within(np.zeros, shape, kind)


def aligned(values: np.ndarray) -> np.ndarray:
    """A copy in C order."""
    made = empty(values.shape, values.dtype)
    made[...] = values
    return made


def _within(make: Any, shape: int | tuple[int, ...], kind: Any) -> np.ndarray:
    shape = (shape,) if isinstance(shape, int) else shape
    size = math.prod(shape) * np.dtype(kind).itemsize
    room = make(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    found: np.ndarray = room[start : start + size].view(kind).reshape(shape)
    return found
