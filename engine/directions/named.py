"""Directions that change one attribute and hold the others: the linear part.

InterFaceGAN (Shen et al., 2020) takes the normal of a boundary in w and projects the normals of
other attributes out of it. Here all attributes are regressed on w together, and the direction of
one attribute is the most likely step (shortest under the covariance of w) that changes its own
linear reading by one and leaves the others' alone.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64

READABLE = 0.5  # share of a trait's variance
Directions = Float64[np.ndarray, "traits w_dim"]


def linear_readings(
    w: Float[np.ndarray, "n w_dim"], traits: Float[np.ndarray, "n traits"]
) -> Float64[np.ndarray, "w_dim traits"]:
    """Least squares of every trait on w, both centred, lightly ridged against rank loss."""
    x = w.astype(np.float64) - w.mean(0, dtype=np.float64)
    y = traits.astype(np.float64) - traits.mean(0, dtype=np.float64)
    covariance = x.T @ x / len(x)
    ridge = 1e-4 * np.trace(covariance) / len(covariance)
    return np.linalg.solve(covariance + ridge * np.eye(len(covariance)), x.T @ y / len(x))


def partial_directions(
    w: Float[np.ndarray, "n w_dim"], traits: Float[np.ndarray, "n traits"], shrink: float = 0.02
) -> Directions:
    """One direction a trait: its linear reading grows by 1, the others' stay.

    Minimises d' S^-1 d subject to B' d = e, with S the covariance of w and B the linear
    readings; so d = S B (B' S B)^-1 e. shrink: share of its own variance added to each trait's,
    so that traits that w hardly tells apart do not give endless directions.
    """
    x = w.astype(np.float64) - w.mean(0, dtype=np.float64)
    readings = linear_readings(w, traits)
    along = (x.T @ x / len(x)) @ readings  # [w_dim traits]
    spread = readings.T @ along
    spread += shrink * np.diag(np.diag(spread))
    return np.linalg.solve(spread, along.T)


def readable(
    w: Float[np.ndarray, "n w_dim"], traits: Float[np.ndarray, "n traits"]
) -> Bool[np.ndarray, " traits"]:
    """Which traits w tells linearly: their reading explains at least half of their variance.

    The reading of any other is mostly chance, and to hold it would cost movement and hold nothing.
    """
    x = w.astype(np.float64) - w.mean(0, dtype=np.float64)
    y = traits.astype(np.float64) - traits.mean(0, dtype=np.float64)
    missed = np.square(y - x @ linear_readings(w, traits)).mean(0)
    return np.asarray(missed <= (1.0 - READABLE) * y.var(0))


def unit_std(
    direction: Float64[np.ndarray, " w_dim"], w: Float[np.ndarray, "n w_dim"]
) -> Float64[np.ndarray, " w_dim"]:
    """The direction with the length of w's standard deviation along it."""
    unit = direction / np.linalg.norm(direction)
    return np.asarray(unit * (w.astype(np.float64) @ unit).std())
