"""What every published layout offers, and small steps that several of them need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float32

from engine.checkpoints.raw import RawNetwork
from engine.models.family import Config, Tensors, refuse

Converted = tuple[Config, dict[str, np.ndarray]]


class Layout(Protocol):
    """One layout: a module with these names."""

    def recognises(self, network: RawNetwork) -> bool:
        """Whether the names look like this layout, right or not."""
        ...

    def convert(self, network: RawNetwork, extra: Mapping[str, Any], where: str) -> Converted:
        """The config and the tensors under the names used here.

        extra: what lies beside the networks in the file. Raises CheckpointError that names the
        tensor that is missing, left over or of another shape.
        """
        ...


def floats(tensors: Tensors) -> dict[str, np.ndarray]:
    """The tensors, with doubles brought to float32; what is no float stays and is refused later."""
    return {
        name: array.astype(np.float32) if array.dtype == np.float64 else array
        for name, array in tensors.items()
    }


def square_filter(taps: np.ndarray) -> np.ndarray:
    """A resampling filter as a square: published code keeps long ones as a line."""
    return np.outer(taps, taps).astype(taps.dtype) if taps.ndim == 1 else taps


class Source:
    """Tensors of a file, taken one by one, so that a message can name what is missing or left.

    `origins` keeps which of them became which of ours.
    """

    def __init__(self, tensors: Tensors, where: str, title: str) -> None:
        self.left = dict(tensors)
        self.origins: dict[str, str] = {}
        self.where = where
        self.title = title

    def take(self, name: str, ours: str, *shape: int | None) -> np.ndarray:
        """The tensor that becomes `ours`; in its shape None is any size but 0.

        Raises CheckpointError.
        """
        if name not in self.left:
            refuse(self.where, f"lacks the tensor {name!r}", self.title)
        array = self.left.pop(name)
        fits = array.ndim == len(shape) and all(
            size > 0 if wanted is None else size == wanted
            for size, wanted in zip(array.shape, shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("n" if size is None else str(size) for size in shape)
            words = f"has {name!r} of shape {array.shape}, expected ({wanted})"
            refuse(self.where, words, self.title)
        if array.dtype.kind != "f":
            words = f"has {name!r} of type {array.dtype}, expected floats"
            refuse(self.where, words, self.title)
        self.origins[ours] = name
        return array

    def has(self, *names: str) -> bool:
        """Whether one of the tensors is there and not taken yet."""
        return any(name in self.left for name in names)

    def finish(self) -> None:
        """Raise CheckpointError when something is left over."""
        for name in sorted(self.left):
            words = f"has the tensor {name[:80]!r}, which the generator does not know"
            refuse(self.where, words, self.title)


def mean_w(
    tensors: Tensors, mapping_lr: float = 0.01, samples: int = 4096
) -> Float32[np.ndarray, " w_dim"]:
    """The mean of w over fixed seeds, for files that do not store it. Unconditional models only.

    tensors: of the mapping network, under the names used here.
    """
    width = tensors["mapping.fc0.weight"].shape[1]
    x = np.random.RandomState(0).randn(samples, width).astype(np.float32)
    x /= np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-8)
    index = 0
    while f"mapping.fc{index}.weight" in tensors:
        weight = tensors[f"mapping.fc{index}.weight"].astype(np.float32)
        gain = mapping_lr / np.sqrt(weight.shape[1])
        x = x @ (weight * gain).T + tensors[f"mapping.fc{index}.bias"] * mapping_lr
        x = np.maximum(x, 0.2 * x) * np.float32(np.sqrt(2))
        index += 1
    average: Float32[np.ndarray, " w_dim"] = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    return average
