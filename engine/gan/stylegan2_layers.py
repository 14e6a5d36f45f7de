"""The layers of the StyleGAN2 generator: modulated convolution, toRGB and the resnet's shortcut.

Modulated convolutions run in the non-fused form: scale the input channels by the style, convolve
with weights that all images share, scale the output channels by the demodulation. That is the
same function as modulating the weights (Karras et al., 2020, section 2.2), needs no grouped
convolution (which does not export to ONNX with a dynamic batch), and is fast in channels-last.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.layers import LEAK, SQRT2, EqualLinear, binomial_filter, upsample2
from engine.gan.style_generator import NoiseMode

HALF = math.sqrt(0.5)


class StyleConv(nn.Module):
    """Modulated 3x3 convolution with demodulation, noise, bias and leaky ReLU.

    With up=True it doubles the size: a transposed convolution of stride 2, then the low-pass
    filter. gain scales what comes out, clamp included; noisy=False has no noise at all.
    """

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        w_dim: int,
        resolution: int,
        *,
        up: bool,
        clamp: float | None,
        gain: float = 1.0,
        taps: int = 4,
        noisy: bool = True,
    ) -> None:
        super().__init__()
        self.resolution = resolution
        self.up = up
        self.gain = SQRT2 * gain
        self.clamp = None if clamp is None else clamp * gain
        self.affine = EqualLinear(w_dim, fan_in, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(fan_out))
        if noisy:
            self.noise_strength = nn.Parameter(torch.zeros([]))
            self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("resample_filter", binomial_filter(taps))

    def demodulation(self, styles: Float[Tensor, "n i"]) -> Float[Tensor, "n o"]:
        """1 over the length of each output's modulated weights (Karras et al., 2020, eq. 3)."""
        power = self.weight.square().sum(dim=(2, 3))
        return torch.rsqrt(styles.square() @ power.t() + 1e-8)

    def noise(self, mode: NoiseMode, batch: int) -> Float[Tensor, "_ 1 r r"] | None:
        """The noise that is added to every channel, strength included."""
        if mode == "none":
            return None
        if mode == "const":
            return (self.noise_const * self.noise_strength)[None, None]
        size = (batch, 1, self.resolution, self.resolution)
        return torch.randn(size, device=self.weight.device) * self.noise_strength

    def forward(
        self, x: Float[Tensor, "n i _ _"], w: Float[Tensor, "n w_dim"], noise: Tensor | None
    ) -> Float[Tensor, "n o r r"]:
        styles = self.affine(w)
        # The gain passes through the leaky ReLU: folded into the small factors it costs nothing.
        scale = (self.demodulation(styles) * self.gain)[:, :, None, None]
        x = x * styles[:, :, None, None].to(x.dtype)
        if self.up:
            x = self.low_pass(F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2))
        else:
            x = F.conv2d(x, self.weight, padding=1)
        bias = (self.bias * self.gain)[None, :, None, None]
        x = torch.addcmul(bias.to(x.dtype), x, scale.to(x.dtype))
        if noise is not None:
            x = x + (noise * self.gain).to(x.dtype)
        x = F.leaky_relu(x, LEAK)
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)

    def low_pass(self, x: Float[Tensor, "n o 2*h+1 2*w+1"]) -> Float[Tensor, "n o 2*h 2*w"]:
        """What a transposed convolution made, filtered (gain 4) and cut to twice the size."""
        channels, taps = x.shape[1], self.resample_filter.shape[0]
        kernel = (self.resample_filter.flip(0, 1) * 4.0).to(x.dtype)
        before, after = (taps + 1) // 2 - 1, (taps - 2) // 2
        if before != after:
            x = F.pad(x, (before, after) * 2)
            before = 0
        kernel = kernel.expand(channels, 1, taps, taps)
        return F.conv2d(x, kernel, padding=before, groups=channels)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to the image channels, without demodulation."""

    def __init__(self, fan_in: int, channels: int, w_dim: int, clamp: float | None) -> None:
        super().__init__()
        self.clamp = clamp
        self.weight_gain = 1.0 / math.sqrt(fan_in)
        self.affine = EqualLinear(w_dim, fan_in, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(channels, fan_in, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(
        self, x: Float[Tensor, "n i r r"], w: Float[Tensor, "n w_dim"]
    ) -> Float[Tensor, "n c r r"]:
        styles = self.affine(w) * self.weight_gain
        y = F.conv2d(x * styles[:, :, None, None].to(x.dtype), self.weight, self.bias)
        return y if self.clamp is None else y.clamp(-self.clamp, self.clamp)


class Shortcut(nn.Module):
    """The way around a block of the resnet architecture: a 1x1 convolution at twice the size.

    gain scales what it gives, so that the sum with the block keeps its variance.
    """

    resample_filter: Tensor

    def __init__(self, fan_in: int, fan_out: int, taps: int) -> None:
        super().__init__()
        self.weight_gain = HALF / math.sqrt(fan_in)
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in, 1, 1))
        self.register_buffer("resample_filter", binomial_filter(taps))

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o 2*h 2*w"]:
        return upsample2(F.conv2d(x, self.weight * self.weight_gain), self.resample_filter)
