"""The progressively grown generator (Karras et al., 2018).

Features are normalised pixel by pixel, sizes double by repeating pixels, and every resolution has
its own toRGB, so that the picture of each stage of the growth can be seen.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.errors import ModelError
from engine.gan.direct import NoiselessSynthesis, ZIsW
from engine.gan.equalised import GainConv, leaky, pixel_norm, upsample_nearest
from engine.gan.layers import SQRT2
from engine.gan.progan_config import ProGANConfig


class Dense(nn.Module):
    """z to 4x4 features, with one bias for each feature map."""

    def __init__(self, z_dim: int, channels: int) -> None:
        super().__init__()
        # A quarter of the usual gain, as in the published networks.
        self.weight_gain = SQRT2 / 4.0 / math.sqrt(z_dim)
        self.weight = nn.Parameter(torch.randn(channels * 16, z_dim))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, z: Float[Tensor, "n z_dim"]) -> Float[Tensor, "n c 4 4"]:
        x = z @ (self.weight * self.weight_gain).t()
        return x.reshape(z.shape[0], -1, 4, 4) + self.bias[None, :, None, None]


class Block(nn.Module):
    """The layers of one resolution; the first starts from z, every other from the one below."""

    def __init__(self, config: ProGANConfig, resolution: int) -> None:
        super().__init__()
        channels = config.channels[resolution]
        if resolution == 4:
            self.dense = Dense(config.z_dim, channels)
            self.conv = GainConv(channels, channels)
        else:
            self.conv0 = GainConv(config.channels[resolution // 2], channels, up=True)
            self.conv1 = GainConv(channels, channels)
        self.torgb = GainConv(channels, config.img_channels, 1, gain=1.0)
        self.first = resolution == 4

    def forward(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n c r r"]:
        layers = (self.dense, self.conv) if self.first else (self.conv0, self.conv1)
        for layer in layers:
            x = pixel_norm(leaky(layer(x)))
            if self.first:
                x = x.contiguous(memory_format=torch.channels_last)
        return x


class Synthesis(NoiselessSynthesis):
    """z to an image, at every resolution up to the full one."""

    def __init__(self, config: ProGANConfig) -> None:
        super().__init__()
        self.config = config
        for resolution in config.resolutions:
            setattr(self, f"r{resolution}", Block(config, resolution))

    def block(self, resolution: int) -> Block:
        """The layers of one resolution."""
        found = getattr(self, f"r{resolution}")
        assert isinstance(found, Block)
        return found

    def features(
        self, z: Float[Tensor, "n z_dim"], resolution: int | None = None
    ) -> dict[int, Float[Tensor, "n _ _ _"]]:
        """The feature maps of each resolution up to `resolution`, by its size in pixels."""
        top = self.config.resolution if resolution is None else resolution
        if top not in self.config.resolutions:
            raise ModelError(
                f"This ProGAN makes pictures of {list(self.config.resolutions)} px, got {top}."
            )
        x = pixel_norm(z)
        made = {}
        for size in self.config.resolutions:
            if size <= top:
                x = made[size] = self.block(size)(x)
        return made

    def images(
        self, ws: Float[Tensor, "n 1 z_dim"], resolution: int | None = None, top_gain: float = 1.0
    ) -> Float[Tensor, "n img_channels r r"]:
        """See `Generator.forward`."""
        features = self.features(ws[:, 0], resolution)
        top = max(features)
        image: Tensor = self.block(top).torgb(features[top]).float()
        if top_gain == 1.0 or top == 4:
            return image
        below = self.block(top // 2).torgb(features[top // 2]).float()
        return torch.lerp(upsample_nearest(below), image, top_gain)


class Generator(nn.Module):
    """Mapping, which changes nothing, and synthesis. `generator(z)` is a picture."""

    def __init__(self, config: ProGANConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = ZIsW(config)
        self.synthesis = Synthesis(config)

    def forward(
        self, z: Float[Tensor, "n z_dim"], resolution: int | None = None, top_gain: float = 1.0
    ) -> Float[Tensor, "n img_channels r r"]:
        """Image float32, nominally [-1, 1], NCHW, at `resolution` (the full one when None).

        top_gain: 0 gives the repeated pixels of the picture below, 1 the finished one; between
        them the last block fades in (figure 2 of the paper). Raises ModelError for a resolution
        that it does not make.
        """
        return self.synthesis.images(z[:, None], resolution, top_gain)

    def images(
        self, z: Float[Tensor, "n z_dim"], resolution: int | None = None
    ) -> dict[int, Float[Tensor, "n img_channels _ _"]]:
        """The picture of each resolution up to `resolution` (the full one when None), by its
        size in pixels: what the network made at that stage of its growth."""
        features = self.synthesis.features(z, resolution)
        return {size: self.synthesis.block(size).torgb(x).float() for size, x in features.items()}
