"""Large maps through a network in tiles, so that only one of them is in memory. Needs torch."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor

OVERLAP = 4  # a tile shares one in so many of its places with the next one


def tiled(
    run: Callable[[Tensor], Tensor], x: Float[Tensor, "n c h w"], side: int, scale: Fraction
) -> Float[Tensor, "n d r q"]:
    """run on squares of that side instead of all of x, blended where they meet. scale: by what it
    enlarges, below 1 where it makes smaller; `side` and its overlap become whole places."""
    height, width = x.shape[-2:]
    if height <= side and width <= side:
        return run(x)
    tops, lefts = _places(height, side, scale), _places(width, side, scale)
    total = shares = torch.zeros(())
    for top in tops:
        for left in lefts:
            made = run(x[..., top : top + side, left : left + side])
            high = _ramps(made.shape[-2], top > 0, top + side < height).to(made)
            wide = _ramps(made.shape[-1], left > 0, left + side < width).to(made)
            share = high[:, None] * wide
            if total.ndim == 0:
                size = [int(length * scale) for length in (height, width)]
                total, shares = made.new_zeros(*made.shape[:-2], *size), made.new_zeros(size)
            y, z = int(top * scale), int(left * scale)
            rows, columns = slice(y, y + made.shape[-2]), slice(z, z + made.shape[-1])
            total[..., rows, columns] += share * made
            shares[rows, columns] += share
    return total / shares


def _places(length: int, side: int, scale: Fraction) -> list[int]:
    """Where tiles begin; all of them are whole, so the last one may share more."""
    unit = scale.denominator
    step = max((side - side // OVERLAP) // unit * unit, unit)
    return [*range(0, max(length - side, 0), step), max(length - side, 0)]


def _ramps(length: int, before: bool, behind: bool) -> Float[Tensor, " length"]:
    """What each place counts: less toward an end where another tile goes on."""
    found = torch.ones(length)
    reach = max(length // OVERLAP, 1)
    ramp = (torch.arange(reach) + 0.5) / reach
    if before:
        found[:reach] = ramp
    if behind:
        found[-reach:] *= ramp.flip(0)
    return found
