"""The noise that a run begins with: a latent expression, always worked out on the CPU.

Seed(n) is torch's CPU generator seeded with n, as diffusers draws it, so that one seed is one
noise on every device. Blends turn along the sphere; sums and straight blends are brought back to
the length that noise has, for a network knows nothing of shorter noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from engine.errors import ModelError, RecipeError
from engine.latent.arithmetic import combine
from engine.latent.interpolate import lerp, slerp
from engine.recipe import Arithmetic, Blend, Latent, Seed, Stored

Row = Float32[np.ndarray, "1 size"]


def noise_of(
    latent: Latent, shape: Sequence[int], array: Callable[[str], np.ndarray[Any, Any]]
) -> Tensor:
    """float32 [1, *shape] of about unit variance.

    array: gives the stored array of a SHA-256, of prod(shape) values. Raises RecipeError for what
    is no noise, ModelError for stored noise of another size.
    """
    row = _row(latent, tuple(shape), array)
    return torch.from_numpy(np.array(row)).view(1, *shape)


def _row(node: Latent, shape: tuple[int, ...], array: Callable[[str], np.ndarray[Any, Any]]) -> Row:
    match node:
        case Seed(n):
            rng = torch.Generator().manual_seed(n)
            return torch.randn(1, *shape, generator=rng).numpy().reshape(1, -1)
        case Stored(sha256):
            return _stored(array(sha256), shape)
        case Blend(a, b, t, _, curve):
            ends = _row(a, shape, array), _row(b, shape, array)
            return slerp(*ends, t) if curve == "slerp" else _long(lerp(*ends, t))
        case Arithmetic(terms):
            parts = [(x.weight, [_row(e, shape, array) for e in x.exemplars]) for x in terms]
            return _long(combine(parts))
    raise RecipeError(
        f"The latent {node.op!r} is no noise that a diffusion model begins with.",
        "Use seeds, blends of seeds and their arithmetic.",
    )


def _stored(values: np.ndarray[Any, Any], shape: tuple[int, ...]) -> Row:
    size = int(np.prod(shape))
    if values.size != size or not np.isfinite(values).all():
        raise ModelError(
            f"This stored noise has {values.size} values, but the model takes {size}.",
            "Use the model that the noise was made for.",
        )
    return np.ascontiguousarray(values, dtype=np.float32).reshape(1, -1)


def _long(row: Row) -> Row:
    """The row at the length of noise, sqrt(size)."""
    length = float(np.linalg.norm(row.astype(np.float64)))
    if length == 0.0:
        raise RecipeError(
            "The noise cancels itself to nothing.", "Change a weight of the arithmetic."
        )
    return (row * np.float32(row.size**0.5 / length)).astype(np.float32)
