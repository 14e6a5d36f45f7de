"""The generators that compiled kernels can run, behind one form. Imports no torch."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.library import Kernels, kernels
from engine.gan import fast_stylegan2, fast_stylegan3, fast_ways
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.gan.stylegan3_config import StyleGAN3Config

Tensors = Mapping[str, np.ndarray]
LEAK = 0.2


class FastMapping:
    """z (and class c) to w, as `engine.gan.mapping.Mapping` does."""

    def __init__(self, config: StyleGAN2Config | StyleGAN3Config, tensors: Tensors) -> None:
        self._classes = config.c_dim
        lr = config.mapping_lr
        names = [f"mapping.fc{index}" for index in range(config.mapping_layers)]
        self._layers = [_linear(tensors, name, lr, math.sqrt(2.0)) for name in names]
        if config.c_dim:
            self._embed = _linear(tensors, "mapping.embed", 1.0, 1.0)

    def __call__(
        self, z: Float32[np.ndarray, "n z_dim"], c: Float32[np.ndarray, "n c_dim"] | None
    ) -> Float32[np.ndarray, "n w_dim"]:
        """One w for each z, not truncated."""
        x = _normalised(z)
        if self._classes:
            if c is None:
                c = np.zeros((len(z), self._classes), np.float32)
            weight, bias = self._embed
            x = np.concatenate([x, _normalised(c @ weight + bias)], axis=1)
        for weight, bias in self._layers:
            x = x @ weight + bias
            x = np.maximum(x, x * np.float32(LEAK))
        return np.ascontiguousarray(x, np.float32)


class FastGenerator:
    """Mapping and synthesis by compiled kernels. exits: resolutions of early exits."""

    def __init__(self, config: Any, tensors: Tensors, found: Kernels, threads: int) -> None:
        self.map = FastMapping(config, tensors)
        self.exits: tuple[int, ...] = ()
        self._channels = config.img_channels
        self._making = threading.Lock()
        self._rough: fast_stylegan2.FastSynthesis | None = None
        self._stylegan2 = self._stylegan3 = None
        if isinstance(config, StyleGAN2Config):
            self._stylegan2 = fast_stylegan2.FastSynthesis(found, config, tensors, threads)
            if config.architecture == "skip":
                self.exits = config.resolutions[:-1]
        else:
            self._stylegan3 = fast_stylegan3.FastSynthesis(found, config, tensors, threads)

    def forget(self) -> None:
        """Let go of the features kept of the picture made last."""
        for synthesis in (self._stylegan2, self._rough):
            if synthesis is not None:
                synthesis.forget()

    @property
    def has_rough(self) -> bool:
        """Whether there are previews of lower precision."""
        return self._stylegan2 is not None and self._stylegan2.gains_by_rough

    def _rough_stylegan2(self) -> fast_stylegan2.FastSynthesis:
        """Made when it is first asked for, since it takes memory."""
        assert self._stylegan2 is not None
        with self._making:
            if self._rough is None:
                self._rough = self._stylegan2.rough() or self._stylegan2
        return self._rough

    def image(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Sequence[Float32[np.ndarray, "_ 1 _ _"]],
        transform: Float32[np.ndarray, "3 3"] | None = None,
        resolution: int | None = None,
        proceed: Callable[[], None] | None = None,
        rough: bool = False,
    ) -> Float32[np.ndarray, "n r r channels"]:
        """The picture, float32, nominally [-1, 1], NHWC, at an early exit where one is asked for.

        proceed: asked between the layers; what it raises ends the work. rough: a preview of lower
        precision will do, where there is one.
        """
        if self._stylegan2 is not None:
            top = resolution if resolution in self.exits else None
            runs = self._rough_stylegan2() if rough and not _is_low(top) else self._stylegan2
            return runs(ws, noises, top, proceed)[..., : self._channels]
        assert self._stylegan3 is not None
        return self._stylegan3(ws, transform, proceed)


def fast_generator(config: Any, tensors: Tensors, threads: int) -> FastGenerator | None:
    """The generator on kernels, None where they cannot run it or this machine lacks them."""
    known = (isinstance(config, StyleGAN2Config) and fast_stylegan2.can_run(config, tensors)) or (
        isinstance(config, StyleGAN3Config) and fast_stylegan3.can_run(config, tensors)
    )
    found = kernels() if known else None
    return None if found is None else FastGenerator(config, tensors, found, threads)


def _is_low(top: int | None) -> bool:
    """Whether an early exit comes before lower precision would begin."""
    return top is not None and top < fast_ways.ROUGH_FROM


def _linear(
    tensors: Tensors, name: str, lr: float, gain: float
) -> tuple[Float32[np.ndarray, "fan_in out"], Float32[np.ndarray, " out"]]:
    weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    scale = np.float32(lr * gain / math.sqrt(weight.shape[1]))
    return weight.T * scale, bias * np.float32(lr * gain)


def _normalised(x: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    power = np.square(x).mean(axis=1, keepdims=True)
    return np.asarray(x / np.sqrt(power + np.float32(1e-8)), np.float32)
