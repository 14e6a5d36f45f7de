"""Small layers that the style-based generators and their discriminators share.

Equalised learning rate (Karras et al., 2018): weights are stored with unit variance and
multiplied by 1/sqrt(fan-in) each time they are used, so that Adam moves all layers alike.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SQRT2 = math.sqrt(2.0)
LEAK = 0.2


def binomial_filter(taps: int = 4) -> Float[Tensor, "taps taps"]:
    """The separable binomial low-pass filter, [1, 3, 3, 1] for 4 taps, as a 2-D kernel of sum 1."""
    line = torch.tensor([float(math.comb(taps - 1, index)) for index in range(taps)])
    return torch.outer(line, line) / line.sum() ** 2


def second_moment_normalised(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Scale each row so that the mean of its squares is 1."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def leaky_relu_sqrt2(x: Tensor) -> Tensor:
    """Leaky ReLU (slope 0.2) times sqrt(2), which keeps the variance of its input."""
    return F.leaky_relu(x, LEAK) * SQRT2


def upsample2(
    x: Float[Tensor, "n c h w"], kernel: Float[Tensor, "taps taps"]
) -> Float[Tensor, "n c 2*h 2*w"]:
    """Double height and width: zeros after the pixels, then the low-pass filter (gain 4)."""
    channels, taps = x.shape[1], kernel.shape[0]
    weights = (kernel * 4.0).to(x.dtype).expand(channels, 1, taps, taps)
    half = (taps + 1) // 2
    if taps % 2 == 0:
        return F.conv_transpose2d(x, weights, stride=2, padding=half - 1, groups=channels)
    # An odd filter cannot lie symmetric on both grids; the published placement is kept.
    wide = F.conv_transpose2d(x, weights, stride=2, groups=channels)
    return F.pad(wide, (half + 1 - taps, 1 - half) * 2)


def downsample2(
    x: Float[Tensor, "n c h w"], kernel: Float[Tensor, "4 4"]
) -> Float[Tensor, "n c h//2 w//2"]:
    """Halve height and width: the low-pass filter, then every second pixel."""
    channels = x.shape[1]
    taps = kernel.to(x.dtype).expand(channels, 1, 4, 4)
    return F.conv2d(x, taps, stride=2, padding=1, groups=channels)


class EqualLinear(nn.Module):
    """Fully connected layer with equalised learning rate.

    lr_multiplier slows this layer down (0.01 in the mapping network) without changing what it
    computes at the start. bias_init is the bias in use, not the stored one.
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        *,
        activate: bool = False,
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__()
        self.activate = activate
        self.weight_gain = lr_multiplier / math.sqrt(fan_in)
        self.bias_gain = lr_multiplier
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((fan_out,), bias_init / lr_multiplier))

    def forward(self, x: Float[Tensor, "n fan_in"]) -> Float[Tensor, "n fan_out"]:
        y = F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)
        return leaky_relu_sqrt2(y) if self.activate else y


class EqualConv(nn.Module):
    """Convolution of odd kernel size with equalised learning rate, same size out as in."""

    def __init__(
        self, fan_in: int, fan_out: int, kernel: int, *, activate: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        self.activate = activate
        self.padding = kernel // 2
        self.weight_gain = 1.0 / math.sqrt(fan_in * kernel * kernel)
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(fan_out)) if bias else None

    def forward(self, x: Float[Tensor, "n fan_in h w"]) -> Float[Tensor, "n fan_out h w"]:
        # sqrt(2) passes through the leaky ReLU, so it costs nothing when folded in here.
        gain = SQRT2 if self.activate else 1.0
        bias = None if self.bias is None else self.bias * gain
        y = F.conv2d(x, self.weight * (self.weight_gain * gain), bias, padding=self.padding)
        return F.leaky_relu(y, LEAK) if self.activate else y
