"""How sums of latents are weighted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence


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
