"""A generator on kernels that were compiled for this processor. It needs neither torch nor a graph.

Calls release the interpreter while they compute, so the window stays alive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.backend import WHOLE, Effort, Noises, Statistics, Transform
from engine.frame import BackendName

Images = Float32[np.ndarray, "n r r channels"]


class Generator(Protocol):
    """What such a backend runs; see engine.gan.fast.FastGenerator."""

    exits: tuple[int, ...]

    @property
    def has_rough(self) -> bool: ...

    @property
    def map(self) -> Callable[..., Float32[np.ndarray, "n w_dim"]]: ...

    def image(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Sequence[Float32[np.ndarray, "_ 1 _ _"]],
        transform: Transform | None = None,
        resolution: int | None = None,
        proceed: Callable[[], None] | None = None,
        rough: bool = False,
    ) -> Images: ...


class NativeBackend:
    """The Backend over a generator of compiled kernels."""

    name: BackendName = "native"
    device = "cpu"
    notice = ""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self.exits = generator.exits
        self.has_rough = generator.has_rough

    def map(
        self, z: Float32[np.ndarray, "n z_dim"], c: Float32[np.ndarray, "n c_dim"] | None
    ) -> Float32[np.ndarray, "n w_dim"]:
        """See Backend."""
        return self._generator.map(z, c)

    def synthesize(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
    ) -> Float32[np.ndarray, "n channels r r"]:
        """See Backend."""
        image = self._generator.image(ws, noises, transform)
        return np.ascontiguousarray(image.transpose(0, 3, 1, 2))

    def pixels(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
        effort: Effort = WHOLE,
    ) -> UInt8[np.ndarray, "n r r channels"]:
        """See Backend."""
        how = (effort.resolution, effort.proceed, effort.rough)
        return to_bytes(self._generator.image(ws, noises, transform, *how))


def to_bytes(image: Images) -> UInt8[np.ndarray, "n r r channels"]:
    """round(127.5 x + 127.5), clipped to 0..255, ties to even."""
    scaled = image * np.float32(127.5)
    scaled += np.float32(127.5)
    np.rint(scaled, out=scaled)
    np.clip(scaled, 0, 255, out=scaled)
    return scaled.astype(np.uint8)
