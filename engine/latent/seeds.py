"""Seeds become z here, on the CPU, so that one seed is one z on every device."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float32

from engine.errors import RecipeError
from engine.recipe import MAX_SEED


def z_from_seed(n: int, z_dim: int) -> Float32[np.ndarray, "1 z_dim"]:
    """The z that seed n names: RandomState(n).randn(1, z_dim), the convention of NVIDIA's scripts.

    NumPy freezes RandomState, so a seed is the same z in every later version. n: 0 to 2^32 - 1.
    Raises RecipeError.
    """
    if not 0 <= n <= MAX_SEED:
        raise RecipeError(f"A seed must lie in [0, {MAX_SEED}], got {n}.")
    return _drawn(n, z_dim).copy()


@lru_cache(maxsize=512)
def _drawn(n: int, z_dim: int) -> Float32[np.ndarray, "1 z_dim"]:
    """Kept, because setting up a RandomState costs more than all other maths of a slider drag."""
    return np.random.RandomState(n).randn(1, z_dim).astype(np.float32)
