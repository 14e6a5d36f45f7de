"""The attribute network's training run: data set 1, shifts, softness and noise."""

from __future__ import annotations

from engine.training.distort import roughen
from engine.training.regression import RegressionSpec

NAME = "portraits-attributes"


def spec() -> RegressionSpec:
    """The run that `train portraits-attributes` does."""
    return RegressionSpec(
        name=NAME,
        title="Portraits attribute network",
        network="attributes",
        data_seed=1,
        seed=1,
        distort=roughen,
    )
