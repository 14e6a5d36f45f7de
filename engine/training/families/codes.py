"""What each z stands for: the drawn portrait behind it.

Every attribute of a portrait is read off normal numbers of its own, so that independent normal
numbers, turned at random, are distributed as z is. A number gives a continuous attribute by its
rank, two a hue by their angle (which has no seam), and as many as there are choices a choice, by
which of them is largest: each choice then has an axis along which it lies. For generators that
normalise z, only its direction counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from scipy.special import ndtr, ndtri
from torch import Tensor

from engine.portraits.attributes import ATTRIBUTES, CIRCLES, table_of, uniform
from engine.portraits.hair_classes import in_class

Z_STREAM, CLASS_STREAM = 1, 2  # of the counter hash; the data set itself uses 0
Source = Callable[[int, np.ndarray, int], tuple[Any, Any]]


@cache
def lengths() -> tuple[int, ...]:
    """How many normal numbers each attribute takes, and the one for beards at the end."""
    counts = [
        len(attribute.values)
        if attribute.kind == "categorical"
        else 1 + (attribute.name in CIRCLES)
        for attribute in ATTRIBUTES
    ]
    return (*counts, 1)


def numbers_of(code: Float64[np.ndarray, "n k"]) -> Float64[np.ndarray, "n numbers"]:
    """Normal numbers to the evenly spread ones in [0, 1) that `table_of` takes."""
    ends = np.cumsum(lengths())
    columns = []
    for end, length in zip(ends, lengths(), strict=True):
        part = code[:, end - length : end]
        if length == 1:
            columns.append(ndtr(part[:, 0]))
        elif length == 2:
            columns.append(np.arctan2(part[:, 0], part[:, 1]) / (2 * math.pi) + 0.5)
        else:
            columns.append((part.argmax(axis=1) + 0.5) / length)
    numbers = np.stack(columns, axis=1)
    clipped: Float64[np.ndarray, "n numbers"] = np.clip(numbers, 1e-6, 1.0 - 1e-6)
    return clipped


class Codes:
    """z, class and drawn portrait of each row of a data set.

    z_dim: at least as many as the attributes take. classes: how many, 0 for none. seed: of the
    rotation, which is thrown away when the run ends: nothing else knows which way is which.
    by_direction: whether the length of z is not looked at.
    """

    def __init__(self, z_dim: int, classes: int, seed: int, *, by_direction: bool = True) -> None:
        self.z_dim, self.classes, self.by_direction = z_dim, classes, by_direction
        own = torch.Generator().manual_seed(seed)
        turn, _ = torch.linalg.qr(torch.randn(z_dim, z_dim, generator=own, dtype=torch.float64))
        self.turn: Float64[np.ndarray, "z_dim z_dim"] = turn.numpy()
        assert z_dim >= sum(lengths())

    def z(self, seed: int, rows: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, "n z_dim"]:
        """Normal z of these rows."""
        drawn = uniform(seed, rows, self.z_dim, Z_STREAM)
        z: Float32[np.ndarray, "n z_dim"] = ndtri(np.clip(drawn, 1e-9, 1.0 - 1e-9)).astype(
            np.float32
        )
        return z

    def c(self, seed: int, rows: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """The class of these rows, all equally often; 0 where there are none."""
        drawn = uniform(seed, rows, 1, CLASS_STREAM)[:, 0]
        return (drawn * max(1, self.classes)).astype(np.int64)

    def table(
        self, z: Float32[np.ndarray, "n z_dim"], c: Int64[np.ndarray, " n"]
    ) -> Float32[np.ndarray, "n columns"]:
        """The label table of the portraits that these z's, in these classes, stand for."""
        wide = z.astype(np.float64)
        if self.by_direction:
            wide *= math.sqrt(self.z_dim) / np.linalg.norm(wide, axis=1, keepdims=True)
        code = (wide @ self.turn.T)[:, : sum(lengths())]
        table = table_of(numbers_of(code))
        return in_class(table, c) if self.classes else table

    def source(self) -> Source:
        """What draws them, for `engine.training.cache`."""

        def draw(seed: int, rows: np.ndarray, size: int) -> tuple[Any, Any]:
            from engine.portraits.renderer import render

            table = self.table(self.z(seed, rows), self.c(seed, rows))
            drawn = render(table, size)
            return (drawn * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8), table

        return draw

    def drawn(
        self, z: Float32[np.ndarray, "n z_dim"], c: Int64[np.ndarray, " n"], size: int
    ) -> Float[Tensor, "n 3 size size"]:
        """The very portraits, for a sheet that shows them beside the made ones."""
        from engine.portraits.renderer import render

        return render(self.table(z, c), size)
