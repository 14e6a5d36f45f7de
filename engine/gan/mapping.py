"""The mapping network that all style-based generators share (Karras et al., 2019).

Names and meanings of the parameters follow the published PyTorch layout.
"""

from __future__ import annotations

from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.layers import EqualLinear, second_moment_normalised


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


class Mapping(nn.Module):
    """z (and class c) to w. `w_avg` is the mean of w, kept up to date while training."""

    w_avg: Tensor

    def __init__(self, config: MappingSizes) -> None:
        super().__init__()
        self.config = config
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
