"""The second judge's training run: data set 2, zooms, gamma, coarse levels and hidden patches."""

from __future__ import annotations

from engine.training.distort import weather
from engine.training.regression import RegressionSpec

NAME = "portraits-judge"


def spec() -> RegressionSpec:
    """The run that `train portraits-judge` does."""
    return RegressionSpec(
        name=NAME,
        title="Portraits second judge",
        network="judge",
        data_seed=2,
        seed=20,
        distort=weather,
        epochs=9,
        learning_rate=1.5e-3,
        weight_decay=0.05,
    )
