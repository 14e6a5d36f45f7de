"""The mapping network that all style-based generators share (Karras et al., 2019).

Names and meanings of the parameters follow the published PyTorch layout.
"""

from __future__ import annotations

from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from engine.gan.layers import EqualLinear, second_moment_normalised
from engine.gan.style_generator import StyleMapping


class MappingSizes(Protocol):
    """What a config tells of a mapping network.

    embed_width: length of the embedded class. hidden_width: width of the hidden layers.
    mapping_lr: the learning rate multiplier that its weights were stored with.
    """

    @property
    def z_dim(self) -> int: ...
    @property
    def c_dim(self) -> int: ...
    @property
    def w_dim(self) -> int: ...
    @property
    def num_ws(self) -> int: ...
    @property
    def mapping_layers(self) -> int: ...
    @property
    def embed_width(self) -> int: ...
    @property
    def hidden_width(self) -> int: ...
    @property
    def mapping_lr(self) -> float: ...


class Mapping(StyleMapping):
    """z (and class c) to w, as StyleGAN2 and StyleGAN3 do."""

    def __init__(self, config: MappingSizes) -> None:
        super().__init__(config)
        width, last = config.z_dim, config.mapping_layers - 1
        if config.c_dim > 0:
            self.embed = EqualLinear(config.c_dim, config.embed_width)
            width += config.embed_width
        for index in range(config.mapping_layers):
            out = config.w_dim if index == last else config.hidden_width
            layer = EqualLinear(width, out, activate=True, lr_multiplier=config.mapping_lr)
            setattr(self, f"fc{index}", layer)
            width = out
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

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
