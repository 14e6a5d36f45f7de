"""Generators without a mapping network, behind the same two halves as those that have one.

w is z itself, a picture takes one w, and the average is zero; so latent expressions, directions
and backends handle them as they do the style-based generators.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn


class ZIsW(nn.Module):
    """The mapping that changes nothing."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    def w(self, z: Float[Tensor, "n z_dim"], c: Tensor | None = None) -> Float[Tensor, "n z_dim"]:
        """z as it is; such a generator knows no classes, so `c` is not looked at."""
        # A copy, since an exported graph must not have one name for its input and its output.
        return z.clone()

    def forward(
        self,
        z: Float[Tensor, "n z_dim"],
        c: Tensor | None = None,
        psi: float = 1.0,
        cutoff: int | None = None,
    ) -> Float[Tensor, "n 1 z_dim"]:
        """One w a picture. psi = 1 leaves z as it is; psi = 0 gives the zero vector."""
        return (z if cutoff == 0 else z * psi)[:, None]


class NoiselessSynthesis(nn.Module, ABC):
    """ws to an image, without noise: what is left to say is `images(ws, resolution, top_gain)`."""

    @abstractmethod
    def images(
        self, ws: Float[Tensor, "n num_ws w_dim"], resolution: int | None, top_gain: float
    ) -> Float[Tensor, "n c r r"]:
        """The picture of each ws; float32, nominally [-1, 1], NCHW."""

    def noise_layers(self, resolution: int | None = None) -> list[nn.Module]:
        """The layers that take noise: none."""
        return []

    def forward(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noise_mode: str = "const",
        resolution: int | None = None,
        top_gain: float = 1.0,
    ) -> Float[Tensor, "n c r r"]:
        """Image at `resolution` (the full one when None), whatever the mode of the noise.

        top_gain: how far the last resolution has faded in, where the family can.
        """
        return self.images(ws, resolution, top_gain)

    def with_noises(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noises: Sequence[Tensor | None],
        resolution: int | None = None,
        top_gain: float = 1.0,
    ) -> Float[Tensor, "n c r r"]:
        """As `forward`; `noises` is empty."""
        return self.images(ws, resolution, top_gain)
