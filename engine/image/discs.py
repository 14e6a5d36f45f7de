"""Masks and lines of a round brush: discs in shares of the picture."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, UInt8


def drawn(discs: Float32[np.ndarray, "k 3"], side: int) -> UInt8[np.ndarray, "side side 3"]:
    """The discs in white on black."""
    lit = np.where(inside_discs(discs, side), 255, 0).astype(np.uint8)
    return np.repeat(lit[:, :, None], 3, axis=2)


def inside_discs(discs: Float32[np.ndarray, "k 3"], side: int) -> Bool[np.ndarray, "side side"]:
    """Which pixels of a square lie in a disc. discs: x, y, radius, in shares of the side."""
    y, x = np.mgrid[0:side, 0:side]
    x, y = (x + 0.5) / side, (y + 0.5) / side
    inside = np.zeros((side, side), bool)
    for cx, cy, radius in discs:
        inside |= (x - cx) ** 2 + (y - cy) ** 2 <= radius**2
    return inside
