"""What the style-based generators do alike: two halves, truncation between them, noise by mode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

NoiseMode = Literal["const", "none", "random"]


class StyleMapping(nn.Module, ABC):
    """z (and class c) to w. `w_avg` is the mean of w, kept up to date while training.

    config: tells `num_ws` and `w_dim`.
    """

    w_avg: Tensor

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    @abstractmethod
    def w(
        self, z: Float[Tensor, "n z_dim"], c: Float[Tensor, "n c_dim"] | None = None
    ) -> Float[Tensor, "n w_dim"]:
        """One w for each z, not truncated."""

    def forward(
        self,
        z: Float[Tensor, "n z_dim"],
        c: Float[Tensor, "n c_dim"] | None = None,
        psi: float = 1.0,
        cutoff: int | None = None,
    ) -> Float[Tensor, "n num_ws w_dim"]:
        """ws with the first `cutoff` layers (all when None) pulled toward `w_avg`.

        psi = 1 leaves w as it is; psi = 0 gives `w_avg` (Karras et al., 2019, appendix B).
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


class NoisySynthesis(nn.Module, ABC):
    """ws to an image, with noise in the layers."""

    @abstractmethod
    def noise_layers(self, resolution: int | None = None) -> Sequence[Any]:
        """The layers that take noise, in order, up to `resolution` (all when None)."""

    @abstractmethod
    def with_noises(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noises: Sequence[Float[Tensor, "_ 1 _ _"] | None],
        resolution: int | None = None,
        top_gain: float = 1.0,
    ) -> Float[Tensor, "n c r r"]:
        """As `forward`, with the noise of each layer given, or None."""

    def forward(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noise_mode: NoiseMode = "const",
        resolution: int | None = None,
        top_gain: float = 1.0,
    ) -> Float[Tensor, "n c r r"]:
        """Image float32, nominally [-1, 1], at `resolution` (the full one when None).

        noise_mode: "const" adds the stored noise, "random" new noise from torch's generator,
        "none" no noise. A smaller resolution is for generators whose every block paints.
        top_gain: 0 gives the picture of the resolution below, doubled, 1 the finished one (the
        fade-in of progressive training).
        """
        noises = [layer.noise(noise_mode, ws.shape[0]) for layer in self.noise_layers(resolution)]
        return self.with_noises(ws, noises, resolution, top_gain)


class StyleGenerator(nn.Module):
    """Mapping and synthesis. `generator(z)` is an untruncated picture with stored noise."""

    def __init__(self, config: Any, mapping: nn.Module, synthesis: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.mapping = mapping
        self.synthesis = synthesis

    def forward(
        self,
        z: Float[Tensor, "n z_dim"],
        c: Float[Tensor, "n c_dim"] | None = None,
        psi: float = 1.0,
        cutoff: int | None = None,
        **how: Any,
    ) -> Float[Tensor, "n img_channels r r"]:
        """Image float32, nominally [-1, 1], NCHW. how: what else the synthesis takes."""
        image: Tensor = self.synthesis(self.mapping(z, c, psi, cutoff), **how)
        return image
