"""The StyleGAN2 generator (Karras et al., 2019 and 2020): skip, resnet and orig architectures.

Names and meanings of the parameters follow the published PyTorch layout (StyleGAN2-ADA, Karras
et al., 2020b), so that published weights load by key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.layers import binomial_filter, upsample2
from engine.gan.mapping import Mapping
from engine.gan.style_generator import NoiseMode, NoisySynthesis, StyleGenerator
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.gan.stylegan2_layers import HALF, Shortcut, StyleConv, ToRGB

__all__ = ["Generator", "Mapping", "NoiseMode", "StyleConv", "Synthesis", "SynthesisBlock", "ToRGB"]


class SynthesisBlock(nn.Module):
    """The layers of one resolution. The first block starts from a learned constant."""

    resample_filter: Tensor

    def __init__(self, config: StyleGAN2Config, resolution: int) -> None:
        super().__init__()
        channels, w_dim, clamp = config.channels[resolution], config.w_dim, config.conv_clamp
        taps, noisy = config.filter_taps, config.noise
        self.first = resolution == 4
        self.shortcut = config.has_shortcut(resolution)
        self.paints = config.paints(resolution)
        gain = HALF if self.shortcut else 1.0
        if self.first:
            self.const = nn.Parameter(torch.randn(channels, 4, 4))
        else:
            self.conv0 = StyleConv(
                config.channels[resolution // 2], channels, w_dim, resolution,
                up=True, clamp=clamp, taps=taps, noisy=noisy,
            )  # fmt: skip
        self.conv1 = StyleConv(
            channels, channels, w_dim, resolution,
            up=False, clamp=clamp, gain=gain, taps=taps, noisy=noisy,
        )  # fmt: skip
        if self.paints:
            self.torgb = ToRGB(channels, config.img_channels, w_dim, clamp)
        if self.shortcut:
            self.skip = Shortcut(config.channels[resolution // 2], channels, taps)
        self.register_buffer("resample_filter", binomial_filter(taps))

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
    ) -> tuple[Tensor, Tensor | None]:
        """Features and picture of the resolution below to those of this one."""
        if x is None:
            x = self.const.expand(ws[0].shape[0], -1, -1, -1)
            x = x.contiguous(memory_format=torch.channels_last)
        around = self.skip(x) if self.shortcut else None
        for layer, w, noise in zip(self.layers(), ws, noises, strict=False):
            x = layer(x, w, noise)
        if around is not None:
            x = around + x
        if self.paints:
            image = self.paint(x, ws[-1], image, rgb_gain)
        return x, image

    def paint(self, x: Tensor, w: Tensor, image: Tensor | None, gain: float) -> Tensor:
        """What toRGB makes of the features, added to the picture of the resolution below."""
        rgb: Tensor = self.torgb(x, w).float()
        if gain != 1.0:
            rgb = rgb * gain
        return rgb if image is None else upsample2(image, self.resample_filter) + rgb


class Synthesis(NoisySynthesis):
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
        if not self.config.noise:
            return []
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
        """As `forward`, with the noise of each layer given: strength times values, or None."""
        top = resolution or self.config.resolution
        image = list(self.pictures(ws, noises, top, top_gain))[-1]
        assert image is not None
        return image

    def pictures(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noises: Sequence[Float[Tensor, "_ 1 _ _"] | None],
        top: int,
        top_gain: float = 1.0,
    ) -> Iterator[Tensor | None]:
        """The picture after each resolution up to `top`; None where nothing was painted yet."""
        if not self.config.noise:
            noises = [None] * self.config.num_ws
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
            yield image


class Generator(StyleGenerator):
    """Mapping and synthesis. `generator(z)` is an untruncated picture with stored noise."""

    mapping: Mapping
    synthesis: Synthesis

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__(config, Mapping(config), Synthesis(config))
