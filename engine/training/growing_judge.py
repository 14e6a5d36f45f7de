"""A discriminator that grows with its generator: one halving a size, and a way in at each."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.discriminator import GROUP, minibatch_deviation
from engine.gan.equalised import GainConv, GainLinear, leaky
from engine.gan.layers import SQRT2


class Halving(nn.Module):
    """A 4x4 convolution of stride 2 with equalised learning rate, and a leaky ReLU."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.weight_gain = SQRT2 / math.sqrt(fan_in * 16)
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in, 4, 4))
        self.bias = nn.Parameter(torch.zeros(fan_out))

    def forward(self, x: Float[Tensor, "n i 2*r 2*r"]) -> Float[Tensor, "n o r r"]:
        return leaky(F.conv2d(x, self.weight * self.weight_gain, self.bias, stride=2, padding=1))


class GrowingJudge(nn.Module):
    """Pictures of any size from 4 px to the full one to logits.

    Plainer than the discriminator of `engine/gan/discriminator.py`, at a quarter of its cost:
    what a lab can afford on a processor.
    """

    def __init__(self, channels: Mapping[int, int], group: int = GROUP) -> None:
        super().__init__()
        self.group = group
        self.fromrgb = nn.ModuleDict(
            {str(size): GainConv(3, width, 1) for size, width in channels.items()}
        )
        self.halvings = nn.ModuleDict(
            {
                str(size): Halving(width, channels[size // 2])
                for size, width in channels.items()
                if size > 4
            }
        )
        self.last = GainConv(channels[4] + 1, channels[4])
        self.out = GainLinear(channels[4] * 16, 1)

    def forward(
        self, image: Float[Tensor, "n 3 r r"], top_gain: float = 1.0
    ) -> Float[Tensor, " n"]:
        """top_gain: 0 judges the picture at half its size only, 1 by all layers; between them the
        new layers fade in (figure 2 of Karras et al., 2018)."""
        top = size = image.shape[2]
        x = self._enter(image)
        while size > 4:
            x = self.halvings[str(size)](x)
            size //= 2
            if top_gain < 1.0 and size == top // 2:
                x = torch.lerp(self._enter(F.avg_pool2d(image, 2)), x, top_gain)
        x = leaky(self.last(minibatch_deviation(x, self.group)))
        logits: Tensor = self.out(x.flatten(1))
        return logits[:, 0]

    def _enter(self, image: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n c r r"]:
        return leaky(self.fromrgb[str(image.shape[2])](image))
