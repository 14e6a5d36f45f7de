"""The body that noise-aware networks share: pictures with any amount of noise, and the time."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 8


def check_sizes(widths: tuple[int, ...], *sizes: int) -> None:
    """Raises ValueError for sizes that no such network has."""
    numbers = (*sizes, *widths)
    sound = widths and all(type(n) is int and 0 < n <= 4096 for n in numbers)
    if not sound or any(width % GROUPS for width in widths):
        raise ValueError(f"these are no sizes of a noise-aware network: {numbers}")


class Block(nn.Module):
    """Two convolutions with a residual; the time scales and shifts between them."""

    def __init__(self, before: int, width: int, time: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(min(GROUPS, before), before)
        self.conv1 = nn.Conv2d(before, width, 3, padding=1)
        self.time = nn.Linear(time, 2 * width)
        self.norm2 = nn.GroupNorm(GROUPS, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.skip = nn.Conv2d(before, width, 1) if before != width else nn.Identity()

    def forward(
        self, x: Float[Tensor, "n before h w"], time: Float[Tensor, "n time"]
    ) -> Float[Tensor, "n width h w"]:
        scale, shift = self.time(time)[:, :, None, None].chunk(2, dim=1)
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y) * (1 + scale) + shift))
        out: Tensor = self.skip(x) + y
        return out


class NoisyTower(nn.Module):
    """x_t and t to `outputs` numbers. widths: one a level, each half the size of the one above."""

    def __init__(self, widths: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        first, last = widths[0], widths[-1]
        self.embed = nn.Sequential(nn.Linear(first, 4 * first), nn.SiLU())
        self.stem = nn.Conv2d(12, first, 3, padding=1)
        pairs = zip((first, *widths[:-1]), widths, strict=True)
        self.blocks = nn.ModuleList([Block(a, b, 4 * first) for a, b in pairs])
        self.norm = nn.GroupNorm(GROUPS, last)
        self.head = nn.Linear(last, outputs)
        self._first = first

    def forward(
        self, x: Float[Tensor, "n 3 size size"], t: Float[Tensor, " n"]
    ) -> Float[Tensor, "n outputs"]:
        """t: timesteps of 0 to 999, as the diffusion model's."""
        time = self.embed(_waves(t, self._first))
        y = self.stem(F.pixel_unshuffle(x, 2))
        for index, block in enumerate(self.blocks):
            y = block(F.avg_pool2d(y, 2) if index else y, time)
        out: Tensor = self.head(F.silu(self.norm(y)).mean((2, 3)))
        return out


def _waves(t: Float[Tensor, " n"], width: int) -> Float[Tensor, "n width"]:
    """Sines and cosines of t (Vaswani et al., 2017)."""
    half = width // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    angles = t[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
