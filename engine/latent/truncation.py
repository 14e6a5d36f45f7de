"""The truncation trick in w: nearer to the average is safer and duller."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from engine.errors import RecipeError


def truncate(
    ws: Float32[np.ndarray, "batch num_ws w_dim"],
    w_avg: Float32[np.ndarray, " w_dim"],
    *,
    psi: float | Sequence[float],
    cutoff: int | None = None,
) -> Float32[np.ndarray, "batch num_ws w_dim"]:
    """Pull the first `cutoff` layers of `ws` toward `w_avg` (Karras et al. 2019, section 3.2).

    psi = 1 leaves `ws` as it is, to the bit; psi = 0 gives the average image; above 1 exaggerates
    and below 0 gives the opposite. A sequence holds one psi for each layer. cutoff None means all
    layers. Raises RecipeError when psi or cutoff do not fit num_ws.
    """
    num_ws = ws.shape[1]
    values = _psi_of_layers(psi, cutoff, num_ws)
    if all(value == 1.0 for value in values):
        return ws
    out = ws.copy()
    for layer, value in enumerate(values):
        if value == 0.0:
            out[:, layer] = w_avg
        elif value != 1.0:
            out[:, layer] = w_avg + np.float32(value) * (ws[:, layer] - w_avg)
    return out


def _psi_of_layers(psi: float | Sequence[float], cutoff: int | None, num_ws: int) -> list[float]:
    if isinstance(psi, Sequence):
        if cutoff is not None:
            raise RecipeError("A psi for each layer leaves no place for a cutoff.")
        if len(psi) != num_ws:
            raise RecipeError(
                f"psi has {len(psi)} values, but the model has {num_ws} layers.",
                f"Give one psi, or {num_ws} of them.",
            )
        return [float(value) for value in psi]
    end = num_ws if cutoff is None else cutoff
    if not 0 <= end <= num_ws:
        raise RecipeError(
            f"cutoff must lie in [0, {num_ws}] for this model, got {end}.",
            f"Give a cutoff from 0 to {num_ws}.",
        )
    return [float(psi)] * end + [1.0] * (num_ws - end)
