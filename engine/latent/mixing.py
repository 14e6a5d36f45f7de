"""Style mixing: some layers of one picture in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from engine.errors import RecipeError
from engine.latent.interpolate import lerp


def mix(
    base: Float32[np.ndarray, "batch num_ws w_dim"],
    source: Float32[np.ndarray, "batch num_ws w_dim"],
    layers: Sequence[int],
    amount: float = 1.0,
) -> Float32[np.ndarray, "batch num_ws w_dim"]:
    """Base with the named layers taken from source (Karras et al. 2019, section 3.1).

    amount = 0 leaves base as it is and 1 takes source's layers, both to the bit; between them the
    layers move in a straight line, and past the ends they go on. Raises RecipeError for a layer
    that the model lacks.
    """
    chosen = chosen_layers(layers, base.shape[1])
    out = base.copy()
    out[:, chosen] = lerp(base[:, chosen], source[:, chosen], amount)
    return out


def chosen_layers(layers: Sequence[int] | None, num_ws: int) -> list[int]:
    """The layers in rising order, each once; None means all. Raises RecipeError beyond num_ws."""
    if layers is None:
        return list(range(num_ws))
    wrong = [layer for layer in layers if not 0 <= layer < num_ws]
    if wrong:
        raise RecipeError(
            f"Layer {wrong[0]} is named, but the model has {num_ws} layers.",
            f"Name layers from 0 to {num_ws - 1}.",
        )
    return sorted(set(layers))
