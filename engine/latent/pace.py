"""How far apart pictures look along a way, and how to walk it at a constant pace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64


def path_length(distances: Sequence[float]) -> float:
    """The length of a way: the sum of the distances between its pictures, one after another.

    With squared distances over squared steps this is what Karras et al. (2019, section 4.1)
    average; here the way itself is measured, so that it can be compared and walked.
    """
    return float(np.sum(np.asarray(distances, np.float64)))


def constant_pace(
    distances: Sequence[float], samples: int = 0, places: Sequence[float] = ()
) -> Float64[np.ndarray, " samples"]:
    """Where to be on the way at evenly spaced times, so that equal times look equally far.

    distances: between the pictures from the first to the last, at `places`, evenly spaced ones
    where none are given: so that an answer can be looked at and answered once more. Returns rising
     places in [0, 1] at `samples` times (as many as there were pictures when 0): the inverse
    of the cumulative length. A way on which nothing changes keeps its own pace.
    """
    steps = np.maximum(np.asarray(distances, np.float64), 0.0)
    count = samples or len(steps) + 1
    total = float(steps.sum())
    if total <= 0.0:
        return np.linspace(0.0, 1.0, count)
    # A floor keeps the inverse single-valued where pictures are equal.
    steps = steps + 1e-6 * total / len(steps)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    length /= length[-1]
    where = np.asarray(places) if len(places) else np.linspace(0, 1, len(length))
    found = np.interp(np.linspace(0, 1, count), length, where)
    return np.clip(np.maximum.accumulate(found), 0.0, 1.0)


def unevenness(distances: Sequence[float]) -> float:
    """Deviation over mean of the steps: 0 is a constant pace."""
    steps = np.asarray(distances, np.float64)
    mean = float(steps.mean())
    return float(steps.std()) / mean if mean else 0.0
