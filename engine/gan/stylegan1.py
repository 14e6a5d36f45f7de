"""The style-based generator (Karras et al., 2019).

A mapping network makes w of z; the synthesis starts from a learned constant, and after each
convolution adds noise and sets every feature map's mean and deviation by the style that w gives
(adaptive instance normalisation). Its methods are those of the StyleGAN2 generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.errors import ModelError
from engine.gan.equalised import (
    GainConv,
    GainLinear,
    adain,
    blur,
    leaky,
    pixel_norm,
    upsample_nearest,
)
from engine.gan.layers import SQRT2
from engine.gan.style_generator import (
    NoiseMode,
    NoisySynthesis,
    StyleGenerator,
    StyleMapping,
)
from engine.gan.stylegan1_config import StyleGAN1Config


class Mapping(StyleMapping):
    """z (and class c) to w, both normalised together."""

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__(config)
        fan_in = config.z_dim
        if config.c_dim > 0:
            self.embed = nn.Linear(config.c_dim, config.z_dim, bias=False)
            nn.init.normal_(self.embed.weight)
            fan_in += config.z_dim
        for index in range(config.mapping_layers):
            last = index == config.mapping_layers - 1
            width = config.w_dim if last else config.hidden_width
            layer = GainLinear(fan_in, width, gain=SQRT2, lr_multiplier=config.mapping_lr)
            setattr(self, f"fc{index}", layer)
            fan_in = width
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def w(
        self, z: Float[Tensor, "n z_dim"], c: Float[Tensor, "n c_dim"] | None = None
    ) -> Float[Tensor, "n w_dim"]:
        """One w for each z, not truncated. Without c, no class at all."""
        x = z
        if self.config.c_dim > 0:
            if c is None:
                c = z.new_zeros(z.shape[0], self.config.c_dim)
            x = torch.cat([x, self.embed(c)], dim=1)
        x = pixel_norm(x)
        for index in range(self.config.mapping_layers):
            x = leaky(getattr(self, f"fc{index}")(x))
        return x


class StyleLayer(nn.Module):
    """A 3x3 convolution (the constant has none), then noise, bias, leaky ReLU and AdaIN.

    up=True doubles the size first: repeated pixels, convolution, then the filter [1, 2, 1].
    noise_weight is the learned strength of each channel; noise_strength stays 1 and stands there
    so that noise is scaled outside in the same way for every family.
    """

    noise_const: Tensor
    noise_strength: Tensor

    def __init__(
        self, fan_in: int | None, fan_out: int, w_dim: int, resolution: int, *, up: bool = False
    ) -> None:
        super().__init__()
        self.resolution = resolution
        self.up = up
        if fan_in is not None:
            self.conv = GainConv(fan_in, fan_out, up=up, bias=False)
        self.convolves = fan_in is not None
        self.bias = nn.Parameter(torch.zeros(fan_out))
        self.noise_weight = nn.Parameter(torch.zeros(fan_out))
        self.affine = GainLinear(w_dim, 2 * fan_out)
        nn.init.normal_(self.affine.weight, std=0.3)  # styles near none: calmer to begin with
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("noise_strength", torch.ones([]))

    def noise(self, mode: NoiseMode, batch: int) -> Float[Tensor, "_ 1 r r"] | None:
        """The noise before each channel's own strength."""
        if mode == "none":
            return None
        if mode == "const":
            return (self.noise_const * self.noise_strength)[None, None]
        size = (batch, 1, self.resolution, self.resolution)
        return torch.randn(size, device=self.noise_const.device) * self.noise_strength

    def forward(
        self, x: Float[Tensor, "n i _ _"], w: Float[Tensor, "n w_dim"], noise: Tensor | None
    ) -> Float[Tensor, "n o r r"]:
        if self.convolves:
            x = self.conv(x)
        if self.up:
            x = blur(x)
        if noise is not None:
            x = x + (noise * self.noise_weight[None, :, None, None]).to(x.dtype)
        x = leaky(x + self.bias[None, :, None, None].to(x.dtype))
        return adain(x, self.affine(w))


class SynthesisBlock(nn.Module):
    """The two styled layers of one resolution. The first block starts from a learned constant."""

    def __init__(self, config: StyleGAN1Config, resolution: int) -> None:
        super().__init__()
        channels, w_dim = config.channels[resolution], config.w_dim
        self.first = resolution == 4
        if self.first:
            self.const = nn.Parameter(torch.randn(channels, 4, 4))
        below = None if self.first else config.channels[resolution // 2]
        self.layer0 = StyleLayer(below, channels, w_dim, resolution, up=not self.first)
        self.layer1 = StyleLayer(channels, channels, w_dim, resolution)
        if config.paints(resolution):
            self.torgb = GainConv(channels, config.img_channels, 1, gain=1.0)

    def layers(self) -> list[StyleLayer]:
        """The styled layers in order."""
        return [self.layer0, self.layer1]

    def forward(
        self, x: Tensor | None, ws: Sequence[Tensor], noises: Sequence[Tensor | None]
    ) -> Float[Tensor, "n c r r"]:
        if x is None:
            x = self.const.expand(ws[0].shape[0], -1, -1, -1)
            x = x.contiguous(memory_format=torch.channels_last)
        for layer, w, noise in zip(self.layers(), ws, noises, strict=True):
            x = layer(x, w, noise)
        return x


class Synthesis(NoisySynthesis):
    """ws to an image: what the last block's toRGB makes of the features."""

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        self.config = config
        for resolution in config.resolutions:
            setattr(self, f"r{resolution}", SynthesisBlock(config, resolution))

    def block(self, resolution: int) -> SynthesisBlock:
        """The layers of one resolution."""
        found = getattr(self, f"r{resolution}")
        assert isinstance(found, SynthesisBlock)
        return found

    def noise_layers(self, resolution: int | None = None) -> list[StyleLayer]:
        """The layers that take noise, in order, up to `resolution` (all when None)."""
        top = resolution or self.config.resolution
        return [
            layer for r in self.config.resolutions if r <= top for layer in self.block(r).layers()
        ]

    def with_noises(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noises: Sequence[Float[Tensor, "_ 1 _ _"] | None],
        resolution: int | None = None,
        top_gain: float = 1.0,
    ) -> Float[Tensor, "n c r r"]:
        """As `forward`, with each layer's noise given (before each channel's strength), or None.

        Raises ModelError for a resolution, or a fade, whose toRGB the model lacks.
        """
        top = resolution or self.config.resolution
        fades = top_gain != 1.0 and top > 4
        self._check_paints(top, top // 2 if fades else top)
        x: Tensor | None = None
        below: Tensor | None = None
        for index, size in enumerate(r for r in self.config.resolutions if r <= top):
            start = 2 * index
            used = [ws[:, start], ws[:, start + 1]]
            x = self.block(size)(x, used, noises[start : start + 2])
            if fades and size == top // 2:
                below = upsample_nearest(self.block(size).torgb(x).float())
        image: Tensor = self.block(top).torgb(x).float()
        return image if below is None else torch.lerp(below, image, top_gain)

    def _check_paints(self, *sizes: int) -> None:
        for size in sizes:
            if size not in self.config.resolutions or not self.config.paints(size):
                raise ModelError(f"This StyleGAN makes no picture of {size} px.")


class Generator(StyleGenerator):
    """Mapping and synthesis. `generator(z)` is an untruncated picture with stored noise."""

    mapping: Mapping
    synthesis: Synthesis

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__(config, Mapping(config), Synthesis(config))
