"""Layers of the progressively grown generators (Karras et al., 2018 and 2019).

Weights are stored with unit variance and scaled by gain / sqrt(fan-in) each time they are used;
the gain sqrt(2) of a leaky ReLU stands with the weights here, so that biases are those in use.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.layers import LEAK, SQRT2

EPSILON = 1e-8


def _inverse_root(power: Tensor) -> Tensor:
    """1 / sqrt(power + 1e-8). Written as a sum, the small number would not survive an export to
    ONNX, whose optimiser takes it for zero; a flat feature map would then divide by zero."""
    root = torch.rsqrt(power * (1.0 / EPSILON) + 1.0)
    return root * (1.0 / math.sqrt(EPSILON))


def pixel_norm(x: Float[Tensor, "n c *rest"]) -> Float[Tensor, "n c *rest"]:
    """Scale each pixel's features so that the mean of their squares is 1 (2018, section 4.2),
    computed in float32."""
    wide = x.float()
    return (wide * _inverse_root(wide.square().mean(dim=1, keepdim=True))).to(x.dtype)


def instance_norm(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Each feature map of each picture with mean 0 and variance 1, computed in float32."""
    wide = x.float()
    wide = wide - wide.mean(dim=(2, 3), keepdim=True)
    power = wide.square().mean(dim=(2, 3), keepdim=True)
    return (wide * _inverse_root(power)).to(x.dtype)


def adain(x: Float[Tensor, "n c h w"], style: Float[Tensor, "n 2*c"]) -> Float[Tensor, "n c h w"]:
    """Adaptive instance normalisation: y = x_norm * (ys + 1) + yb.

    style: the scales ys of all channels, then their biases yb (Karras et al., 2019, eq. 1; the
    published networks learn the scale's distance from 1).
    """
    scale, bias = style.to(x.dtype).chunk(2, dim=1)
    return torch.addcmul(bias[:, :, None, None], instance_norm(x), scale[:, :, None, None] + 1.0)


def leaky(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2, without a gain."""
    return F.leaky_relu(x, LEAK)


def upsample_nearest(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c 2*h 2*w"]:
    """Double height and width by repeating pixels."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def upscale_conv(
    x: Float[Tensor, "n i h w"], weight: Float[Tensor, "o i 3 3"]
) -> Float[Tensor, "n o 2*h 2*w"]:
    """Nearest up-sampling then a 3x3 convolution, as one transposed convolution of stride 2.

    Repeating a pixel twice each way and convolving is convolving once with the kernel summed over
    its four shifts: 16 products for each pixel of the small map instead of 36.
    """
    turned = F.pad(weight.flip(2, 3), (1, 1, 1, 1)).transpose(0, 1)  # [i o 5 5]
    fused = (
        turned[..., 1:, 1:] + turned[..., :-1, 1:] + turned[..., 1:, :-1] + turned[..., :-1, :-1]
    )
    return F.conv_transpose2d(x, fused, stride=2, padding=1)


def blur(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """The binomial filter [1, 2, 1] both ways, zeros outside; after `upsample_nearest` it makes
    bilinear up-sampling."""
    channels = x.shape[1]
    line = x.new_tensor([0.25, 0.5, 0.25])
    taps = torch.outer(line, line).expand(channels, 1, 3, 3)
    return F.conv2d(x, taps, padding=1, groups=channels)


class GainLinear(nn.Module):
    """Fully connected layer with equalised learning rate: x (gain W / sqrt(fan-in)) + b.

    lr_multiplier slows the layer down without changing what it computes at the start.
    """

    def __init__(
        self, fan_in: int, fan_out: int, *, gain: float = 1.0, lr_multiplier: float = 1.0
    ) -> None:
        super().__init__()
        self.weight_gain = gain * lr_multiplier / math.sqrt(fan_in)
        self.bias_gain = lr_multiplier
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in) / lr_multiplier)
        self.bias = nn.Parameter(torch.zeros(fan_out))

    def forward(self, x: Float[Tensor, "n fan_in"]) -> Float[Tensor, "n fan_out"]:
        return F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)


class GainConv(nn.Module):
    """Convolution with equalised learning rate and the gain of the leaky ReLU that follows it.

    up=True doubles the size first, by repeating pixels. bias=False leaves the bias to the caller.
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        kernel: int = 3,
        *,
        gain: float = SQRT2,
        up: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.up = up
        self.weight_gain = gain / math.sqrt(fan_in * kernel * kernel)
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(fan_out)) if bias else None

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o _ _"]:
        weight = self.weight * self.weight_gain
        if self.up:
            y = upscale_conv(x, weight)
            return y if self.bias is None else y + self.bias[None, :, None, None].to(y.dtype)
        return F.conv2d(x, weight, self.bias, padding=weight.shape[2] // 2)
