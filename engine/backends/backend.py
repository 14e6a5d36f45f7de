"""What every backend offers, so that the rest need not know which one runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float32, UInt8

from engine.frame import BackendName

Noises = Sequence[Float32[np.ndarray, "_ 1 _ _"]]
Transform = Float32[np.ndarray, "3 3"]
Statistics = Float32[np.ndarray, " n_stats"]


@dataclass(frozen=True)
class Effort:
    """How far to go for a picture. resolution: of an early exit, one of the backend's `exits`;
    None is the whole picture. rough: lower precision will do where that is quicker. proceed: asked
    between the layers; what it raises ends the work."""

    resolution: int | None = None
    rough: bool = False
    proceed: Callable[[], None] | None = None


WHOLE = Effort()


class Backend(Protocol):
    """One generator on one device. Every method may be called from several threads at once.

    noises: one map for each noisy layer, already multiplied by its strength. transform: the 3x3
    matrix that moves the picture, for the generators that take one; they always need it.
    statistics: how much each stored row of batch statistics counts, for those that have several.
    """

    @property
    def name(self) -> BackendName: ...

    @property
    def device(self) -> str:
        """Where it runs, such as "cpu" or "cuda"."""
        ...

    @property
    def exits(self) -> tuple[int, ...]:
        """Resolutions below the full one at which pictures can be had sooner."""
        ...

    @property
    def has_rough(self) -> bool:
        """Whether it has pictures of lower precision that are quicker."""
        ...

    @property
    def notice(self) -> str:
        """What the user should know of how it renders now, "" for nothing."""
        ...

    def map(
        self, z: Float32[np.ndarray, "n z_dim"], c: Float32[np.ndarray, "n c_dim"] | None
    ) -> Float32[np.ndarray, "n w_dim"]:
        """The mapping network, without truncation."""
        ...

    def synthesize(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
    ) -> Float32[np.ndarray, "n channels r r"]:
        """The image, float32, nominally [-1, 1], NCHW."""
        ...

    def pixels(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
        effort: Effort = WHOLE,
    ) -> UInt8[np.ndarray, "n r r channels"]:
        """The image as sRGB bytes, NHWC: round(127.5 x + 127.5), clipped to 0..255.

        effort: a backend without that exit makes the whole picture.
        """
        ...
