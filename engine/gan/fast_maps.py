"""Feature maps in the layout that the compiled kernels read, and the work that they share out.

A map lies as [pictures, lines, pixels, channels] in float32, the channels padded with zeros to a
multiple of 16, with zeros around each picture, so that no kernel asks whether a pixel lies inside.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.gemm import COLUMNS, ROWS
from engine.backends.kernels.library import address
from engine.backends.kernels.memory import zeros

REACH = 6  # a tile may begin at the last line and reach so far beyond


def padded(channels: int) -> int:
    """How many channels a map of so many has room for."""
    return -(-channels // COLUMNS) * COLUMNS


def rows_padded(rows: int, step: int = ROWS) -> int:
    """Rows of a matrix product, filled up."""
    return -(-rows // step) * step


@dataclass(frozen=True, eq=False)
class Map:
    """values: with a border of `border` zeros before, and at least as many after each picture."""

    values: Float32[np.ndarray, "n lines pixels channels"]
    height: int
    width: int
    border: int

    @property
    def row(self) -> int:
        """Floats from one line to the next."""
        return self.values.strides[1] // self.values.itemsize

    @property
    def inside(self) -> Float32[np.ndarray, "n height width channels"]:
        """The pictures without what is around them."""
        b = self.border
        return self.values[:, b : b + self.height, b : b + self.width]

    def origin(self, picture: int) -> int:
        """The address of the first number of the border."""
        return address(self.values, picture)

    def first(self, picture: int, line: int = 0) -> int:
        """The address of a picture's first pixel in a line."""
        return address(self.values, picture, self.border + line, self.border)


class Rooms:
    """Maps that were given back are lent out again: their borders still hold zeros, and the
    system need not find and clear the memory once more. Safe in several threads."""

    def __init__(self) -> None:
        self._free: dict[tuple[int, ...], list[Float32[np.ndarray, "*shape"]]] = {}
        self._lock = threading.Lock()

    def lend(self, n: int, height: int, width: int, channels: int, border: int = 1) -> Map:
        """A map whose surroundings are zero and whose pictures hold anything."""
        around = 2 * border + REACH
        # Maps of one shape must also agree in where their pictures lie.
        shape = (n, height + around, width + around, padded(channels))
        with self._lock:
            free = self._free.get((*shape, border))
            values = free.pop() if free else None
        return Map(zeros(shape) if values is None else values, height, width, border)

    def give_back(self, lent: Map) -> None:
        """The map is not used any more."""
        with self._lock:
            self._free.setdefault((*lent.values.shape, lent.border), []).append(lent.values)


def wide(values: np.ndarray, channels: int) -> Float32[np.ndarray, "... padded"]:
    """The last axis filled up with zeros to the padded count of channels."""
    room = zeros((*values.shape[:-1], padded(channels)))
    room[..., : values.shape[-1]] = values
    return room


@dataclass(frozen=True, eq=False)
class Hands:
    """Threads that pieces of a layer are shared out to; the kernels release the interpreter."""

    count: int
    pool: ThreadPoolExecutor | None

    @staticmethod
    def so_many(count: int) -> Hands:
        """One hand works in the caller's own thread."""
        return Hands(count, ThreadPoolExecutor(count, "kernels") if count > 1 else None)

    def each(self, work: Callable[[int], None], pieces: int) -> None:
        """Do work(0), work(1), ...; which hand takes which piece changes no number."""
        if self.pool is None or pieces < 2:
            for piece in range(pieces):
                work(piece)
            return
        for done in [self.pool.submit(work, piece) for piece in range(pieces)]:
            done.result()


def parts(total: int, most: int) -> Sequence[tuple[int, int]]:
    """(first, last) of pieces of at most so many."""
    return [(start, min(start + most, total)) for start in range(0, total, most)]
