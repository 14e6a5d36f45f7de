"""What a ControlNet adds to a U-Net, level by level, as one row of numbers a picture: so that a
graph has one output for it, and another graph one input.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor

from engine.diffusion.unet_config import Shape


def joined(downs: Sequence[Tensor], middle: Tensor) -> Float[Tensor, "n numbers"]:
    """All levels in one row."""
    return torch.cat([part.flatten(1) for part in (*downs, middle)], dim=1)


def parted(
    row: Float[Tensor, "n numbers"], shapes: Sequence[Shape]
) -> tuple[tuple[Tensor, ...], Tensor]:
    """The levels on the way down, and the middle."""
    parts = torch.split(row, [prod(shape) for shape in shapes], dim=1)
    *downs, middle = (p.reshape(-1, *shape) for p, shape in zip(parts, shapes, strict=True))
    return tuple(downs), middle
