"""The second judge: a small ConvNeXt (Liu et al., 2022) that reads a 64 px portrait.

Another architecture, data set and seed than the attribute network. It is never used for finding,
guiding or training, and every bar on attributes counts its verdict alone.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

STEM = 3  # the first layer sees patches of 4 px with 3 px of overlap
# Width and number of blocks at 16, 8 and 4 px.
STAGES = ((48, 2), (96, 3), (160, 2))
SIZE = 64


class Block(nn.Module):
    """Depthwise 7x7, layer norm, two pointwise layers with GELU, a scaled residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 3 * width)
        self.narrow = nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        y = self.depthwise(x).permute(0, 2, 3, 1)  # [n h w c]
        y = self.narrow(nn.functional.gelu(self.widen(self.norm(y))))
        out: Tensor = x + (y * self.scale).permute(0, 3, 1, 2)
        return out


class Reduce(nn.Module):
    """Layer norm over channels, then a convolution that changes width and halves the size."""

    def __init__(self, width: int, below: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv2d(width, below, 2, 2)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h//2 w//2"]:
        reduced: Tensor = self.conv(self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return reduced


class JudgeNetwork(nn.Module):
    """Overlapping patches, three stages, and a linear reading of the flattened 4 x 4 map."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        width = STAGES[0][0]
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4 + STEM, 4, STEM)]
        for below, blocks in STAGES:
            if below != width:
                layers.append(Reduce(width, below))
            layers += [Block(below) for _ in range(blocks)]
            width = below
        self.body = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(16 * width, outputs)

    def forward(self, x: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n outputs"]:
        """x: sRGB in [-1, 1]. Raw outputs as `Columns` lays them out."""
        x = self.body(x.contiguous(memory_format=torch.channels_last)).permute(0, 2, 3, 1)
        raw: Tensor = self.out(self.norm(x).flatten(1))
        return raw
