"""Taking tensors out of a checkpoint in the naming of the early TensorFlow GAN code.

Kernels are [height, width, in, out] and dense weights [in, out], stored with unit variance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.models.family import refuse

OUTER = ("Gs/", "G/", "G_paper/", "G_style/")
HALVES = ("mapping/", "synthesis/")


class TFTensors:
    """The tensors of a file, each taken once. `origins` maps the new names to the file's."""

    def __init__(self, tensors: Mapping[str, np.ndarray], where: str, title: str) -> None:
        self.where, self.title = where, title
        self.origins: dict[str, str] = {}
        self._left: dict[str, np.ndarray] = {}
        self._stored: dict[str, str] = {}
        for stored, array in tensors.items():
            name = _plain(stored)
            # lod is how far training had grown, not a weight.
            if name.split("/")[-1] != "lod":
                self._left[name], self._stored[name] = np.asarray(array), stored

    def has(self, name: str) -> bool:
        """Whether the file has it and nobody took it."""
        return name in self._left

    def take(self, name: str, ours: str, ndim: int) -> np.ndarray:
        """A tensor of so many dimensions, for the new name. Raises CheckpointError."""
        theirs = self.origins[ours] = self._stored.get(name, name)
        if name not in self._left:
            refuse(self.where, f"lacks the tensor {theirs!r}", self.title)
        array = self._left.pop(name)
        if array.ndim != ndim or not array.size or array.dtype.kind != "f":
            refuse(
                self.where,
                f"has {theirs!r} of shape {array.shape} and type {array.dtype}, "
                f"expected floats in {ndim} dimensions",
                self.title,
            )
        return array

    def dense(self, name: str, ours: str) -> np.ndarray:
        """A dense weight as [out, in]."""
        return np.ascontiguousarray(self.take(f"{name}/weight", ours, 2).T)

    def kernel(self, name: str, ours: str) -> np.ndarray:
        """A kernel [height, width, in, out] as [out, in, height, width]."""
        return np.ascontiguousarray(self.take(f"{name}/weight", ours, 4).transpose(3, 2, 0, 1))

    def transposed_kernel(self, name: str, ours: str, *, order: str) -> np.ndarray:
        """The kernel of an up-sampling convolution that was run fused, as [out, in, h, w].

        Fused, the kernel is padded, summed over its four shifts and used in a transposed
        convolution of stride 2. That is repeating pixels and convolving with the kernel turned by
        180 degrees, which is what comes back. order: the axes after height and width, "io" or
        "oi".
        """
        stored = self.take(f"{name}/weight", ours, 4)[::-1, ::-1]
        axes = (3, 2, 0, 1) if order == "io" else (2, 3, 0, 1)
        return np.ascontiguousarray(stored.transpose(*axes))

    def toward_rgb(self, size: int, top: int) -> str:
        """The name of the toRGB of a resolution: they are counted from the full one down."""
        return f"ToRGB_lod{(top // size).bit_length() - 1}"

    def finish(self) -> None:
        """Refuse what nobody took. Raises CheckpointError."""
        if self._left:
            extra = self._stored[min(self._left)][:80]
            refuse(
                self.where,
                f"has the tensor {extra!r}, which the generator does not know",
                self.title,
            )


def _plain(name: str) -> str:
    """The name without that of the network around it, and with the G_ of the two halves."""
    for prefix in OUTER:
        name = name.removeprefix(prefix)
    return f"G_{name}" if name.startswith(HALVES) else name


def check_arguments(
    init: Mapping[str, Any], usual: Mapping[str, Any], where: str, title: str
) -> None:
    """Refuse networks built with other arguments than those that this program knows.

    init: the constructor's arguments as the file has them. usual: the only value known for each of
    those that change what is computed. Raises CheckpointError that names the argument.
    """
    for name, known in usual.items():
        given = init.get(name, known)
        given = given.tolist() if isinstance(given, np.ndarray | np.generic) else given
        given = list(given) if isinstance(given, tuple) else given
        if given != known:
            words = f"was built with {name} = {str(given)[:40]}, expected {known}"
            refuse(where, words, title)
