"""BigGAN as widely used PyTorch code saves it: a shared class embedding, hierarchical latents.

Weights are stored undivided beside one singular vector `u0`; the spectral norm is what one step of
power iteration from there finds. Conditionings are [class, chunk of z].
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.gan.biggan_config import FIRST_WIDTH, TITLE, BigGANConfig
from engine.models.family import Tensors, has_part, refuse
from engine.models.layouts.biggan import infer_config

# The published code's batch norm adds this to variances.
EPS = 1e-5
ATTENTION = {"theta": "theta", "phi": "phi", "g": "g", "o": "o_conv"}
Made = dict[str, np.ndarray]


def recognises(tensors: Tensors) -> bool:
    """Whether the names look like this layout's, right or not."""
    return has_part(tensors, "blocks.0.0.bn1.") and has_part(tensors, "linear.")


def convert(tensors: Tensors, where: str = "The file") -> tuple[BigGANConfig, Made]:
    """The config and the tensors by the names used here, spectral norms divided out (float32).

    Raises CheckpointError that names the tensor that does not fit.
    """
    source = _Source(tensors, where)
    name = "mapping.embeddings.weight"
    made: Made = {name: source.take("shared.weight", 2, name).T}
    class_dim = len(made[name])
    made |= _first(source)
    index = place = 0
    while has_part(tensors, f"blocks.{index}."):
        made |= _block(source, f"blocks.{index}.0", f"synthesis.layers.{place}", class_dim)
        place += 1
        if has_part(tensors, f"blocks.{index}.1."):
            made |= _attention(source, f"blocks.{index}.1", f"synthesis.layers.{place}")
            place += 1
        index += 1
    made |= _statistics(source, "output_layer.0", "synthesis.bn")
    made["synthesis.bn.weight"] = source.take("output_layer.0.gain", 1, "synthesis.bn.weight")
    made["synthesis.bn.bias"] = source.take("output_layer.0.bias", 1, "synthesis.bn.bias")
    made |= _layer(source, "output_layer.2", "synthesis.conv_to_rgb", 4)
    source.finish()
    tidy = {name: np.ascontiguousarray(array, np.float32) for name, array in made.items()}
    config = infer_config(tidy, where, origins=source.origins)
    return replace(config, eps=EPS), tidy


class _Source:
    """The file's tensors, each taken once."""

    def __init__(self, tensors: Tensors, where: str) -> None:
        self.where = where
        self.origins: dict[str, str] = {}
        # sv0 is the last norm that training saw; it is found anew.
        self._left = {n: np.asarray(a) for n, a in tensors.items() if not n.endswith(".sv0")}

    def take(self, name: str, ndim: int, ours: str) -> np.ndarray:
        """A tensor of so many dimensions, for the new name."""
        self.origins[ours] = name
        if name not in self._left:
            refuse(self.where, f"lacks the tensor {name!r}", TITLE)
        array = self._left.pop(name)
        if array.ndim != ndim or not array.size or array.dtype.kind != "f":
            words = f"has {name!r} of shape {array.shape} and type {array.dtype}"
            refuse(self.where, f"{words}, expected floats in {ndim} dimensions", TITLE)
        return array

    def divided(self, name: str, ndim: int, ours: str) -> np.ndarray:
        """A weight over its spectral norm (Miyato et al., 2018)."""
        weight = self.take(f"{name}.weight", ndim, ours)
        matrix = weight.reshape(len(weight), -1).astype(np.float64)
        start = self.take(f"{name}.u0", 2, f"{ours}_u")
        if start.shape != (1, len(matrix)):
            words = f"has '{name}.u0' of shape {start.shape}, expected {(1, len(matrix))}"
            refuse(self.where, words, TITLE)
        v = start[0].astype(np.float64) @ matrix
        length = float(np.linalg.norm(v))
        sigma = float(np.linalg.norm(matrix @ v)) / length if length > 0 else 0.0
        if not 1e-30 < sigma < 1e30:
            refuse(self.where, f"has '{name}.weight' whose spectral norm is {sigma:.3g}", TITLE)
        divided: np.ndarray = weight / sigma
        return divided

    def finish(self) -> None:
        """Refuse what nobody took."""
        if self._left:
            extra = min(self._left)[:80]
            words = f"has the tensor {extra!r}, which the generator does not know"
            refuse(self.where, words, TITLE)


def _first(source: _Source) -> Made:
    """The layer to 4x4 pixels: theirs counts channels before pixels, ours after."""
    made = _layer(source, "linear", "synthesis.gen_z", 2)
    rows = len(made["synthesis.gen_z.weight"])
    if rows % (16 * FIRST_WIDTH) or made["synthesis.gen_z.bias"].shape != (rows,):
        refuse(source.where, f"has 'linear.weight' of {rows} rows, which do not fit", TITLE)
    order = np.arange(rows).reshape(-1, 16).T.ravel()
    return {name: array[order] for name, array in made.items()}


def _block(source: _Source, theirs: str, ours: str, class_dim: int) -> Made:
    made: Made = {}
    for index in (0, 1):
        norm, name = f"{theirs}.bn{index + 1}", f"{ours}.bn_{index}"
        made |= _statistics(source, norm, name)
        for part, new in (("gain", "scale"), ("bias", "offset")):
            weight = source.divided(f"{norm}.{part}", 2, f"{name}.{new}.weight")
            # From [class, chunk] to [chunk, class].
            made[f"{name}.{new}.weight"] = np.roll(weight, -class_dim, axis=1)
        made |= _layer(source, f"{theirs}.conv{index + 1}", f"{ours}.conv_{index}", 4)
    return made | _layer(source, f"{theirs}.conv_sc", f"{ours}.conv_sc", 4)


def _attention(source: _Source, theirs: str, ours: str) -> Made:
    gamma = f"{ours}.gamma"
    made = {gamma: source.take(f"{theirs}.gamma", 0, gamma).reshape(1)}
    for part, new in ATTENTION.items():
        name = f"{ours}.snconv1x1_{new}.weight"
        made[name] = source.divided(f"{theirs}.{part}", 4, name)
    return made


def _statistics(source: _Source, theirs: str, ours: str) -> Made:
    parts = {"stored_mean": "running_means", "stored_var": "running_vars"}
    return {
        f"{ours}.{new}": source.take(f"{theirs}.{part}", 1, f"{ours}.{new}")[None]
        for part, new in parts.items()
    }


def _layer(source: _Source, theirs: str, ours: str, ndim: int) -> Made:
    return {
        f"{ours}.weight": source.divided(theirs, ndim, f"{ours}.weight"),
        f"{ours}.bias": source.take(f"{theirs}.bias", 1, f"{ours}.bias"),
    }
