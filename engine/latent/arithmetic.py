"""Vector arithmetic with averages over several exemplars, such as A - B + C."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

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


def kept_spread(terms: Sequence[tuple[float, Sequence[Hashable]]]) -> tuple[float, ...]:
    """The weights of the terms, scaled so that the sum spreads as one z does.

    exemplars: equal ones stand for the same z, others for independent ones. Averages and sums of
    z lie nearer to the origin or farther from it than what a generator was taught with; the
    variance of a sum of independent ones is that of one times the sum of their squared factors.
    """
    factors: dict[Hashable, float] = defaultdict(float)
    for weight, exemplars in terms:
        for exemplar in exemplars:
            factors[exemplar] += weight / len(exemplars)
    spread = math.sqrt(sum(factor**2 for factor in factors.values()))
    return tuple(weight / spread if spread else weight for weight, _ in terms)


def _sum(parts: Sequence[Float64[np.ndarray, "*shape"]]) -> Float32[np.ndarray, "*shape"]:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total.astype(np.float32)
