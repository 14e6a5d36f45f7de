"""The Efficient U-Net that enlarges pictures (Saharia et al., 2022, appendix B.1).

Most of its blocks stand where maps are small: each level has twice as many as the one above. A
level halves the map before its blocks and doubles it after them, and what goes across is scaled by
1 / sqrt 2.
"""

from __future__ import annotations

import math

import torch
from diffusers.models.embeddings import get_timestep_embedding
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from engine.diffusion.unet_config import GROUPS, UNetConfig

ACROSS = 1 / math.sqrt(2)


class EfficientUNet(nn.Module):
    """Patches of a noised picture, its timestep, and the level of noise in the small one, to
    patches."""

    def __init__(self, config: UNetConfig, inside: int, outside: int) -> None:
        """inside, outside: channels of the patches that come and go."""
        super().__init__()
        channels, width = config.channels, 4 * config.channels[0]
        self.waves = channels[0]
        self.conv_in = nn.Conv2d(inside, channels[0], 3, padding=1)
        self.time, self.level = _embedding(self.waves, width), _embedding(self.waves, width)
        down, up, above = list[nn.Module](), list[nn.Module](), channels[0]
        for at, size in enumerate(channels):
            count, last = config.layers << at, at == len(channels) - 1
            down.append(_Down(above, size, count, width, halves=at > 0))
            up.append(_Up(size if last else 2 * size, size, above, count, width, doubles=at > 0))
            above = size
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(reversed(up))
        self.norm_out = nn.GroupNorm(GROUPS, channels[0])
        self.conv_out = nn.Conv2d(channels[0], outside, 3, padding=1)

    def forward(
        self, x: Float[Tensor, "n inside h w"], t: Float[Tensor, " n"], level: Float[Tensor, " n"]
    ) -> Float[Tensor, "n outside h w"]:
        told = F.silu(self.time(_waves(t, self.waves)) + self.level(_waves(level, self.waves)))
        x = self.conv_in(x)
        across = []
        for part in self.down:
            x = part(x, told)
            across.append(x)
        x = across.pop()
        for part in self.up:
            x = part(x, told)
            if across:
                x = torch.cat([x, across.pop() * ACROSS], dim=1)
        out: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return out


class _Block(nn.Module):
    """A residual block; what it is told scales and shifts its middle (Dhariwal, Nichol, 2021)."""

    def __init__(self, inside: int, outside: int, width: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        self.told = nn.Linear(width, 2 * outside)
        self.norm2 = nn.GroupNorm(GROUPS, outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)  # a block begins as nothing
        self.past = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.told(told)[:, :, None, None].chunk(2, dim=1)
        y = self.norm2(y) * (1 + scale) + shift
        out: Tensor = self.past(x) + self.conv2(F.silu(y))
        return out


class _Down(nn.Module):
    """Halve, then the blocks."""

    def __init__(self, above: int, size: int, count: int, width: int, halves: bool) -> None:
        super().__init__()
        self.halve = nn.Conv2d(above, size, 3, 2, 1) if halves else nn.Identity()
        self.blocks = nn.ModuleList(_Block(size, size, width) for _ in range(count))

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        x = self.halve(x)
        for block in self.blocks:
            x = block(x, told)
        return x


class _Up(nn.Module):
    """The blocks, then double."""

    def __init__(
        self, inside: int, size: int, above: int, count: int, width: int, doubles: bool
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            _Block(size if at else inside, size, width) for at in range(count)
        )
        self.widen = nn.Conv2d(size, above, 3, padding=1) if doubles else nn.Identity()
        self.doubles = doubles

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, told)
        if self.doubles:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = self.widen(x)
        return x


def _embedding(inside: int, width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inside, width), nn.SiLU(), nn.Linear(width, width))


def _waves(values: Float[Tensor, " n"], size: int) -> Float[Tensor, "n size"]:
    found: Tensor = get_timestep_embedding(
        values, size, flip_sin_to_cos=True, downscale_freq_shift=0
    )
    return found
