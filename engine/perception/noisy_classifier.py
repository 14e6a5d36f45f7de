"""A classifier that reads pictures with any amount of noise in them, for classifier guidance.

It answers a few yes-or-no questions; a class is what the answers say together, so its probability
is the product of theirs (Dhariwal and Nichol, 2021, train one for each model the same way).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 8


@dataclass(frozen=True)
class NoisyClassifierConfig:
    """size: of the pictures, in px. bits: how many questions; there are 2^bits classes, the first
    question counting most. widths: one a level, each half the size of the one above."""

    size: int = 32
    bits: int = 3
    widths: tuple[int, ...] = (32, 64, 96)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> NoisyClassifierConfig:
        """From plain values. Raises TypeError, KeyError or ValueError for what is none."""
        config = cls(plain["size"], plain["bits"], tuple(plain["widths"]))
        sizes = (config.size, config.bits, *config.widths)
        if not config.widths or not all(type(n) is int and 0 < n <= 4096 for n in sizes):
            raise ValueError(f"these are no sizes of a classifier: {sizes}")
        if config.bits > 10 or any(width % GROUPS for width in config.widths):
            raise ValueError(f"these are no sizes of a classifier: {sizes}")
        return config


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


class NoisyClassifier(nn.Module):
    """x_t and t to the answers' logits."""

    def __init__(self, config: NoisyClassifierConfig) -> None:
        super().__init__()
        self.config = config
        first, last = config.widths[0], config.widths[-1]
        self.embed = nn.Sequential(nn.Linear(first, 4 * first), nn.SiLU())
        self.stem = nn.Conv2d(12, first, 3, padding=1)
        before = (first, *config.widths[:-1])
        pairs = zip(before, config.widths, strict=True)
        self.blocks = nn.ModuleList([Block(a, b, 4 * first) for a, b in pairs])
        self.norm = nn.GroupNorm(GROUPS, last)
        self.head = nn.Linear(last, config.bits)

    def forward(
        self, x: Float[Tensor, "n 3 size size"], t: Float[Tensor, " n"]
    ) -> Float[Tensor, "n bits"]:
        """t: timesteps of 0 to 999, as the diffusion model's."""
        time = self.embed(_waves(t, self.config.widths[0]))
        y = self.stem(F.pixel_unshuffle(x, 2))
        for index, block in enumerate(self.blocks):
            y = block(F.avg_pool2d(y, 2) if index else y, time)
        out: Tensor = self.head(F.silu(self.norm(y)).mean((2, 3)))
        return out

    def log_probabilities(
        self, x: Float[Tensor, "n 3 size size"], t: float
    ) -> Float[Tensor, "n classes"]:
        """log p(class | x_t) for every class."""
        logits = self(x, torch.full((len(x),), t))
        yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
        count = self.config.bits
        numbers = torch.arange(2**count)
        bits = (numbers[:, None] >> torch.arange(count - 1, -1, -1)) & 1  # [classes bits]
        return torch.where(bits.bool()[None], yes[:, None], no[:, None]).sum(2)


def _waves(t: Float[Tensor, " n"], width: int) -> Float[Tensor, "n width"]:
    """Sines and cosines of t (Vaswani et al., 2017)."""
    half = width // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    angles = t[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
