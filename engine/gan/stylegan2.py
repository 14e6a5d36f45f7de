"""The StyleGAN2 generator (Karras et al., 2019 and 2020), skip architecture.

Names and meanings of the parameters follow the published PyTorch layout, so that published
weights load by key. Modulated convolutions run in the non-fused form: scale the input channels
by the style, convolve with weights that all images share, scale the output channels by the
demodulation. That is the same function as modulating the weights, needs no grouped convolution
(which does not export to ONNX with a dynamic batch), and is fast in channels-last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.layers import (
    LEAK,
    SQRT2,
    EqualLinear,
    binomial_filter,
    second_moment_normalised,
    upsample2,
)
from engine.gan.stylegan2_config import StyleGAN2Config

NoiseMode = Literal["const", "none", "random"]


class Mapping(nn.Module):
    """z (and class c) to w. `w_avg` is the mean of w, kept up to date while training."""

    w_avg: Tensor

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        width = config.w_dim
        first = config.z_dim
        if config.c_dim > 0:
            self.embed = EqualLinear(config.c_dim, width)
            first += width
        for index in range(config.mapping_layers):
            layer = EqualLinear(
                first if index == 0 else width, width, activate=True, lr_multiplier=0.01
            )
            setattr(self, f"fc{index}", layer)
        self.register_buffer("w_avg", torch.zeros(width))

    def w(
        self, z: Float[Tensor, "n z_dim"], c: Float[Tensor, "n c_dim"] | None = None
    ) -> Float[Tensor, "n w_dim"]:
        """One w for each z, not truncated."""
        x = second_moment_normalised(z)
        if self.config.c_dim > 0:
            if c is None:
                c = z.new_zeros(z.shape[0], self.config.c_dim)
            x = torch.cat([x, second_moment_normalised(self.embed(c))], dim=1)
        for index in range(self.config.mapping_layers):
            x = getattr(self, f"fc{index}")(x)
        return x

    def forward(
        self,
        z: Float[Tensor, "n z_dim"],
        c: Float[Tensor, "n c_dim"] | None = None,
        psi: float = 1.0,
        cutoff: int | None = None,
    ) -> Float[Tensor, "n num_ws w_dim"]:
        """ws with the first `cutoff` layers (all when None) pulled toward `w_avg`.

        psi = 1 leaves w as it is; psi = 0 gives `w_avg`.
        """
        ws = self.w(z, c).unsqueeze(1).repeat(1, self.config.num_ws, 1)
        if psi == 1.0:
            return ws
        count = self.config.num_ws if cutoff is None else cutoff
        near = self.w_avg.lerp(ws[:, :count], psi)
        return torch.cat([near, ws[:, count:]], dim=1)

    @torch.no_grad()
    def track(self, w: Float[Tensor, "n w_dim"], keep: float = 0.995) -> None:
        """Move `w_avg` toward the mean of this batch."""
        self.w_avg.lerp_(w.detach().float().mean(dim=0), 1.0 - keep)


class StyleConv(nn.Module):
    """Modulated 3x3 convolution with demodulation, noise, bias and leaky ReLU.

    With up=True it doubles the size: a transposed convolution of stride 2, then the low-pass
    filter.
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
    ) -> None:
        super().__init__()
        self.resolution = resolution
        self.up = up
        self.clamp = clamp
        self.affine = EqualLinear(w_dim, fan_in, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(fan_out))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("resample_filter", binomial_filter())

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
        # sqrt(2) passes through the leaky ReLU: folded into the small factors it costs nothing.
        scale = (self.demodulation(styles) * SQRT2)[:, :, None, None]
        x = x * styles[:, :, None, None].to(x.dtype)
        if self.up:
            x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
            taps = (self.resample_filter * 4.0).to(x.dtype).expand(x.shape[1], 1, 4, 4)
            x = F.conv2d(x, taps, padding=1, groups=x.shape[1])
        else:
            x = F.conv2d(x, self.weight, padding=1)
        bias = (self.bias * SQRT2)[None, :, None, None]
        x = torch.addcmul(bias.to(x.dtype), x, scale.to(x.dtype))
        if noise is not None:
            x = x + (noise * SQRT2).to(x.dtype)
        x = F.leaky_relu(x, LEAK)
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


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


class SynthesisBlock(nn.Module):
    """The layers of one resolution. The first block starts from a learned constant."""

    resample_filter: Tensor

    def __init__(self, config: StyleGAN2Config, resolution: int) -> None:
        super().__init__()
        channels, w_dim, clamp = config.channels[resolution], config.w_dim, config.conv_clamp
        self.first = resolution == 4
        if self.first:
            self.const = nn.Parameter(torch.randn(channels, 4, 4))
        else:
            below = config.channels[resolution // 2]
            self.conv0 = StyleConv(below, channels, w_dim, resolution, up=True, clamp=clamp)
        self.conv1 = StyleConv(channels, channels, w_dim, resolution, up=False, clamp=clamp)
        self.torgb = ToRGB(channels, config.img_channels, w_dim, clamp)
        self.register_buffer("resample_filter", binomial_filter())

    def layers(self) -> list[StyleConv]:
        """The modulated convolutions in order."""
        return [self.conv1] if self.first else [self.conv0, self.conv1]

    def forward(
        self,
        x: Tensor | None,
        image: Tensor | None,
        ws: Sequence[Tensor],
        noises: Sequence[Tensor | None],
        rgb_gain: float = 1.0,
    ) -> tuple[Tensor, Tensor]:
        if x is None:
            x = self.const.expand(ws[0].shape[0], -1, -1, -1)
            x = x.contiguous(memory_format=torch.channels_last)
        for layer, w, noise in zip(self.layers(), ws, noises, strict=False):
            x = layer(x, w, noise)
        rgb = self.torgb(x, ws[-1]).float()
        if rgb_gain != 1.0:
            rgb = rgb * rgb_gain
        if image is not None:
            rgb = upsample2(image, self.resample_filter) + rgb
        return x, rgb


class Synthesis(nn.Module):
    """ws to an image: the sum of what every resolution adds."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        for resolution in config.resolutions:
            setattr(self, f"b{resolution}", SynthesisBlock(config, resolution))

    def block(self, resolution: int) -> SynthesisBlock:
        """The layers of one resolution."""
        found = getattr(self, f"b{resolution}")
        assert isinstance(found, SynthesisBlock)
        return found

    def noise_layers(self, resolution: int | None = None) -> list[StyleConv]:
        """The layers that take noise, in order, up to `resolution` (all when None)."""
        top = resolution or self.config.resolution
        return [
            layer for r in self.config.resolutions if r <= top for layer in self.block(r).layers()
        ]

    def forward(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noise_mode: NoiseMode = "const",
        resolution: int | None = None,
        top_gain: float = 1.0,
    ) -> Float[Tensor, "n c r r"]:
        """Image float32, nominally [-1, 1], at `resolution` (the full one when None).

        noise_mode: "const" adds the stored noise, "random" new noise from torch's generator,
        "none" no noise. top_gain scales what the last block adds: 0 gives the up-sampled image
        of the resolution below, 1 the finished one (the fade-in of progressive training).
        """
        noises = [layer.noise(noise_mode, ws.shape[0]) for layer in self.noise_layers(resolution)]
        return self.with_noises(ws, noises, resolution, top_gain)

    def with_noises(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noises: Sequence[Float[Tensor, "_ 1 _ _"] | None],
        resolution: int | None = None,
        top_gain: float = 1.0,
    ) -> Float[Tensor, "n c r r"]:
        """As `forward`, with the noise of each layer given: strength times values, or None."""
        top = resolution or self.config.resolution
        x: Tensor | None = None
        image: Tensor | None = None
        start = 0
        for size in self.config.resolutions:
            if size > top:
                break
            block = self.block(size)
            count = len(block.layers())
            # toRGB takes the w after the block's own; the next block starts with that one.
            used = [ws[:, start + index] for index in range(count + 1)]
            gain = top_gain if size == top else 1.0
            x, image = block(x, image, used, noises[start : start + count], gain)
            start += count
        assert image is not None
        return image


class Generator(nn.Module):
    """Mapping and synthesis. `generator(z)` is an untruncated picture with stored noise."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def forward(
        self,
        z: Float[Tensor, "n z_dim"],
        c: Float[Tensor, "n c_dim"] | None = None,
        psi: float = 1.0,
        cutoff: int | None = None,
        noise_mode: NoiseMode = "const",
    ) -> Float[Tensor, "n img_channels r r"]:
        """Image float32, nominally [-1, 1], NCHW."""
        ws = self.mapping(z, c, psi, cutoff)
        image: Tensor = self.synthesis(ws, noise_mode)
        return image
