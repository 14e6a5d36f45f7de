"""Vector arithmetic with averages over several exemplars, such as A - B + C."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64


def average(exemplars: Sequence[Float32[np.ndarray, "*shape"]]) -> Float32[np.ndarray, "*shape"]:
    """The mean of at least one latent. One latent stands for itself, to the bit."""
    if len(exemplars) == 1:
        return exemplars[0]
    return _sum([x.astype(np.float64) / len(exemplars) for x in exemplars])


def combine(
    terms: Sequence[tuple[float, Sequence[Float32[np.ndarray, "*shape"]]]],
) -> Float32[np.ndarray, "*shape"]:
    """The sum of weight times average over the terms (Radford et al. 2016, section 6.3.2).

    Averages over about three exemplars make the concept, not one picture, the operand. Weights
    that sum to 1 keep the result among the latents; nothing here forces that.
    """
    if len(terms) == 1 and terms[0][0] == 1.0:
        return average(terms[0][1])
    parts = [weight * average(exemplars).astype(np.float64) for weight, exemplars in terms]
    return _sum(parts)


def _sum(parts: Sequence[Float64[np.ndarray, "*shape"]]) -> Float32[np.ndarray, "*shape"]:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total.astype(np.float32)
