"""Directions from the weights alone (Shen and Zhou, 2021, "SeFa": closed-form factorisation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32, Float64

from engine.errors import DirectionError

# What takes the latent first in a generator without styles.
FIRST = ("synthesis.r4.dense.weight", "synthesis.main.0.weight", "synthesis.gen_z.weight")


def factorised(
    weights: Sequence[Float32[np.ndarray, "_ w_dim"]], count: int
) -> Float64[np.ndarray, "count w_dim"]:
    """The unit directions that change most what the weights make of a latent.

    They are the eigenvectors of A'A of largest eigenvalue, A being all rows at unit length
    (section 3.2). The sign, which the method leaves open, makes the largest component positive.
    """
    rows = np.concatenate(weights).astype(np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    values, vectors = np.linalg.eigh(rows.T @ rows)
    found = vectors[:, np.argsort(values)[::-1][:count]].T
    largest = np.abs(found).argmax(1)
    return np.asarray(found * np.sign(found[np.arange(len(found)), largest])[:, None])


def style_weights(
    tensors: Mapping[str, np.ndarray], layers: Sequence[int] | None, w_dim: int, num_ws: int
) -> list[Float32[np.ndarray, "_ w_dim"]]:
    """The affine maps of the layers, or what takes z first where there are no styles.

    layers: w layers, None for all. toRGB maps are left out, as in the paper. Raises
    DirectionError where a generator has neither.
    """
    names = [
        name
        for name in tensors
        if name.endswith(".affine.weight")
        and name.startswith("synthesis.")
        and ".torgb." not in name
        and tensors[name].shape[1] == w_dim
        and tensors[name].shape[0] > 4  # StyleGAN3's input takes w for its place, not for a style
    ]
    if names:
        kept = range(len(names)) if layers is None else [x for x in layers if x < len(names)]
        if not kept:
            raise DirectionError(
                f"Layers {layers} have no styles; the model has {num_ws} layers.",
                f"Name layers from 0 to {len(names) - 1}.",
            )
        return [np.asarray(tensors[names[i]], np.float32) for i in kept]
    for name in FIRST:
        if name in tensors:
            return [_columns(tensors[name], w_dim)]
    raise DirectionError(
        "This generator has no weights that SeFa can factorise.", "Use --method ganspace."
    )


def _columns(weight: np.ndarray, w_dim: int) -> Float32[np.ndarray, "_ w_dim"]:
    """The weight as a matrix of rows over the latent; a transposed convolution has it first."""
    if weight.ndim == 4:
        return np.asarray(weight.reshape(weight.shape[0], -1).T, np.float32)
    rows = np.zeros((weight.shape[0], w_dim), np.float32)
    rows[:, : weight.shape[1]] = weight[:, :w_dim]
    return rows
