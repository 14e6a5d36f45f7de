"""The StyleGAN2 discriminator (Karras et al., 2020): residual blocks and minibatch deviation.

Every resolution has its own fromRGB, so that one network can be trained from small pictures up
(progressive growing, Karras et al., 2018). Down-sampling filters first and convolves at the
smaller size, which costs half of filtering at the full size and convolving with stride 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.layers import EqualConv, EqualLinear, binomial_filter, downsample2

HALF = math.sqrt(0.5)
GROUP = 4


def minibatch_deviation(x: Float[Tensor, "n c h w"], group: int) -> Float[Tensor, "n c+1 h w"]:
    """Append a map with the mean standard deviation over groups of neighbouring images.

    A discriminator that sees it notices when all pictures of a group are alike. Groups are
    consecutive images, so a batch of real then fake pictures never mixes them; a batch that
    does not divide counts as one group.
    """
    size = group if x.shape[0] % group == 0 else x.shape[0]
    y = x.float().reshape(-1, size, *x.shape[1:])
    spread = (y.var(dim=1, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    plane = spread.repeat_interleave(size)[:, None, None, None].to(x.dtype)
    return torch.cat([x, plane.expand(-1, 1, x.shape[2], x.shape[3])], dim=1)


class DownBlock(nn.Module):
    """One resolution: convolve, halve, convolve; beside it a 1x1 shortcut."""

    resample_filter: Tensor

    def __init__(self, channels: int, below: int, img_channels: int) -> None:
        super().__init__()
        self.fromrgb = EqualConv(img_channels, channels, 1)
        self.conv0 = EqualConv(channels, channels, 3)
        self.conv1 = EqualConv(channels, below, 3)
        self.skip = EqualConv(channels, below, 1, activate=False, bias=False)
        self.register_buffer("resample_filter", binomial_filter())

    def forward(self, x: Float[Tensor, "n c r r"]) -> Float[Tensor, "n below r//2 r//2"]:
        shortcut = self.skip(downsample2(x, self.resample_filter))
        x = self.conv1(downsample2(self.conv0(x), self.resample_filter))
        merged: Tensor = (x + shortcut) * HALF
        return merged


class Epilogue(nn.Module):
    """4x4 features to one number: real (positive) or made (negative)."""

    def __init__(self, channels: int, img_channels: int, group: int) -> None:
        super().__init__()
        self.group = group
        self.fromrgb = EqualConv(img_channels, channels, 1)
        self.conv = EqualConv(channels + 1, channels, 3)
        self.fc = EqualLinear(channels * 16, channels, activate=True)
        self.out = EqualLinear(channels, 1)

    def forward(self, x: Float[Tensor, "n c 4 4"]) -> Float[Tensor, " n"]:
        x = self.conv(minibatch_deviation(x, self.group))
        logits: Tensor = self.out(self.fc(x.flatten(1)))
        return logits[:, 0].float()


class Discriminator(nn.Module):
    """Pictures of any trained size to logits."""

    def __init__(
        self,
        resolution: int,
        channels: Mapping[int, int],
        *,
        img_channels: int = 3,
        group: int = GROUP,
    ) -> None:
        super().__init__()
        self.resolution = resolution
        size = resolution
        while size > 4:
            block = DownBlock(channels[size], channels[size // 2], img_channels)
            setattr(self, f"b{size}", block)
            size //= 2
        self.b4 = Epilogue(channels[4], img_channels, group)

    def forward(
        self, image: Float[Tensor, "n c r r"], top_gain: float = 1.0
    ) -> Float[Tensor, " n"]:
        """Logits of images [-1, 1] at any resolution up to the full one.

        top_gain: 0 judges the picture at half its size only, 1 by all blocks; between them the
        new block fades in.
        """
        image = image.contiguous(memory_format=torch.channels_last)
        size = image.shape[2]
        x = getattr(self, f"b{size}").fromrgb(image)
        while size > 4:
            x = getattr(self, f"b{size}")(x)
            size //= 2
            if top_gain < 1.0 and size == image.shape[2] // 2:
                small = getattr(self, f"b{size}").fromrgb(F.avg_pool2d(image, 2))
                x = torch.lerp(small, x.to(small.dtype), top_gain)
        logits: Tensor = self.b4(x)
        return logits
