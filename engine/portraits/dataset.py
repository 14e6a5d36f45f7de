"""The data set itself: pictures with their labels, any rows in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from engine.portraits.attributes import sample

if TYPE_CHECKING:
    from torch import Tensor


def portraits(
    seed: int,
    indices: Int64[np.ndarray, " n"],
    size: int,
    device: str = "cpu",
    chunk: int = 256,
) -> tuple[UInt8[Tensor, "n 3 size size"], Float32[np.ndarray, "n columns"]]:
    """Pictures `indices` of data set `seed` and their label table.

    chunk: how many pictures are held as float32 at a time; it does not change the pictures.
    Gives uint8 NCHW sRGB on the CPU, and the table of `attributes.sample`.
    """
    import torch

    from engine.portraits.renderer import render

    table = sample(seed, indices)
    pictures = torch.empty(len(table), 3, size, size, dtype=torch.uint8)
    for first in range(0, len(table), chunk):
        drawn = render(table[first : first + chunk], size, device)
        drawn = drawn.mul_(127.5).add_(127.5).round_().clamp_(0.0, 255.0)
        pictures[first : first + chunk] = drawn.to(torch.uint8).cpu()
    return pictures, table
