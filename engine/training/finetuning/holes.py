"""Random masks for lessons in inpainting: strokes of a round brush, boxes, now and then all."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

ALL = 0.15  # share of masks that leave nothing
BOXED = 0.5  # share of the others that have a box
MOST_STROKES, DABS = 3, 6


def masks(count: int, side: int, rng: torch.Generator) -> Float[Tensor, "count 1 side side"]:
    """1 where a picture of that side is drawn anew, 0 where it stays."""
    return torch.stack([_mask(side, rng) for _ in range(count)])[:, None]


def _mask(side: int, rng: torch.Generator) -> Float[Tensor, "side side"]:
    chance = torch.rand(2, generator=rng).tolist()
    if chance[0] < ALL:
        return torch.ones(side, side)
    found = torch.zeros(side, side)
    if chance[1] < BOXED:
        size = (0.15 + 0.5 * torch.rand(2, generator=rng)) * side
        high, wide = (int(value) for value in size.tolist())
        top, left = (torch.rand(2, generator=rng) * (side - size)).long().tolist()
        found[top : top + high, left : left + wide] = 1.0
    strokes = int(torch.randint(0 if chance[1] < BOXED else 1, MOST_STROKES + 1, (), generator=rng))
    for _ in range(strokes):
        found = torch.maximum(found, _stroke(side, rng))
    return found


def _stroke(side: int, rng: torch.Generator) -> Float[Tensor, "side side"]:
    """Discs from one place to another."""
    ends = torch.rand(2, 2, generator=rng)
    radius = 0.05 + 0.12 * torch.rand((), generator=rng)
    along = torch.linspace(0, 1, DABS)[:, None]
    middles = ends[0] * (1 - along) + ends[1] * along
    places = (torch.arange(side) + 0.5) / side
    x = places[None, None, :] - middles[:, 0, None, None]
    y = places[None, :, None] - middles[:, 1, None, None]
    return (x.square() + y.square() < radius.square()).any(0).float()
