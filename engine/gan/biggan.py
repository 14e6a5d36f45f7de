"""The BigGAN and BigGAN-deep generators (Brock et al., 2019, appendix B).

z and the class's embedding condition every block: they give the scale and offset of each batch
norm, whose statistics were stored for truncation values from 0 to 1. In BigGAN-deep each block
sees all of z; in BigGAN z is cut into chunks, one for the first features and one for each block
(hierarchical latents). Weights are here as they are used, divided by their spectral norm.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.biggan_blocks import DeepBlock, PlainBlock, PlainNorm, SelfAttention
from engine.gan.biggan_config import FIRST_WIDTH, BigGANConfig, statistics_at


class Synthesis(nn.Module):
    """Conditionings to an image. Its layers are named as in the published generator."""

    def __init__(self, config: BigGANConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channel_width
        self.gen_z = nn.Linear(config.first_cond, 16 * FIRST_WIDTH * width)
        layers: list[nn.Module] = []
        for index, sizes in enumerate(config.blocks):
            if index == config.attention:
                layers.append(SelfAttention(sizes.width_in * width))
            layers.append(DeepBlock(sizes, config) if config.deep else PlainBlock(sizes, config))
        self.layers = nn.ModuleList(layers)
        self.bn = PlainNorm(width, config)
        self.conv_to_rgb = nn.Conv2d(width, config.rgb_width, 3, padding=1)

    def noise_layers(self, resolution: int | None = None) -> list[nn.Module]:
        """The layers that take noise: none."""
        return []

    def forward(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        truncation: float = 1.0,
        statistics: Float[Tensor, " n_stats"] | None = None,
    ) -> Float[Tensor, "n 3 r r"]:
        """Image float32 in [-1, 1], NCHW.

        ws: the conditioning of the first features, then that of each block: all alike in the
        paper, different where styles are mixed. truncation in [0, 1] chooses the statistics; z
        should come from the same truncation. statistics: the weights of the stored rows, as
        `statistics_at` gives them, instead. Raises ModelError when the truncation lies outside.
        """
        if statistics is None:
            statistics = torch.from_numpy(statistics_at(truncation, self.config.n_stats)).to(ws)
        # The published weights make the first features pixel by pixel, channels last.
        x = self.gen_z(self._conditioning(ws, 0)).reshape(ws.shape[0], 4, 4, -1).permute(0, 3, 1, 2)
        taken = 1
        for layer in self.layers:
            if isinstance(layer, SelfAttention):
                x = layer(x)
            else:
                x = layer(x, self._conditioning(ws, taken), statistics)
                taken += 1
        x = self.conv_to_rgb(F.relu(self.bn(x, statistics)))
        return torch.tanh(x[:, :3]).float()

    def _conditioning(
        self, ws: Float[Tensor, "n num_ws w_dim"], index: int
    ) -> Float[Tensor, "n _"]:
        """What of its w the first features (index 0) or a block take."""
        w = ws[:, index]
        if self.config.deep:
            return w
        z_dim, chunk = self.config.z_dim, self.config.chunk
        part = w[:, index * chunk : (index + 1) * chunk]
        return part if index == 0 else torch.cat([part, w[:, z_dim:]], dim=1)

    def with_noises(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noises: Sequence[Tensor | None],
        truncation: float = 1.0,
        statistics: Float[Tensor, " n_stats"] | None = None,
    ) -> Float[Tensor, "n 3 r r"]:
        """As `forward`; `noises` is empty."""
        image: Tensor = self(ws, truncation, statistics)
        return image


class Mapping(nn.Module):
    """z and a class vector to the conditioning [z, embedding]."""

    def __init__(self, config: BigGANConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = nn.Linear(config.c_dim, config.class_dim, bias=False)

    def w(
        self, z: Float[Tensor, "n z_dim"], c: Float[Tensor, "n c_dim"] | None = None
    ) -> Float[Tensor, "n w_dim"]:
        """The conditioning. c: weights of the classes, one-hot or a blend; None: no class."""
        if c is None:
            c = z.new_zeros(z.shape[0], self.config.c_dim)
        return torch.cat([z, self.embeddings(c)], dim=1)

    def forward(
        self, z: Float[Tensor, "n z_dim"], c: Float[Tensor, "n c_dim"] | None = None
    ) -> Float[Tensor, "n num_ws w_dim"]:
        """The same conditioning for every block."""
        return self.w(z, c)[:, None].expand(-1, self.config.num_ws, -1)


class Generator(nn.Module):
    """`generator(z, c, truncation)`; z from a normal distribution cut at [-2, 2], times the
    truncation."""

    def __init__(self, config: BigGANConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def map(
        self, z: Float[Tensor, "n z_dim"], c: Float[Tensor, "n c_dim"]
    ) -> Float[Tensor, "n w_dim"]:
        """The conditioning of z and a class vector; blending one-hot vectors blends classes."""
        return self.mapping.w(z, c)

    def forward(
        self, z: Float[Tensor, "n z_dim"], c: Float[Tensor, "n c_dim"], truncation: float = 1.0
    ) -> Float[Tensor, "n 3 r r"]:
        """Image float32 in [-1, 1], NCHW."""
        image: Tensor = self.synthesis(self.mapping(z, c), truncation)
        return image
