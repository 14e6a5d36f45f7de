"""A direction from a few pictures that somebody marked as having more, or less, of something.

Ten to forty marks cannot fill a space of hundreds of dimensions; so the plane is sought where w
has equal deviation everywhere (whitened by its covariance), by logistic regression with a strong
prior, and the direction is the most likely step across it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from engine.errors import DirectionError

LEAST, MOST = 6, 400
PRIOR = 0.3


@dataclass(frozen=True)
class Learnt:
    """direction: one standard deviation of w long. accuracy: of marks that were left out, in turn,
    when the plane was fitted (cross-validation); 0.5 is chance."""

    direction: Float64[np.ndarray, " w_dim"]
    accuracy: float


def learn(
    marked: Float[np.ndarray, "n w_dim"],
    more: Bool[np.ndarray, " n"],
    w: Float[np.ndarray, "m w_dim"],
    folds: int = 5,
) -> Learnt:
    """The direction from "less" to "more". w: random ones, which tell how w is spread.

    Raises DirectionError with fewer than three marks of a kind or fewer than six in all.
    """
    count = min(int(more.sum()), int((~more).sum()))
    if len(marked) < LEAST or count < 3:
        raise DirectionError(
            f"Mark at least 3 pictures as more and 3 as less; {int(more.sum())} and "
            f"{int((~more).sum())} are marked.",
            "Mark more pictures; 10 to 40 are good.",
        )
    mean = w.mean(0, dtype=np.float64)
    values, vectors = np.linalg.eigh(np.cov(w.astype(np.float64).T))
    keep = values > 1e-6 * values[-1]
    spread = vectors[:, keep] * np.sqrt(values[keep])  # [w_dim k]
    white = (marked.astype(np.float64) - mean) @ (vectors[:, keep] / np.sqrt(values[keep]))
    normal = _logistic(white, more)[0]
    told = np.empty(len(marked), bool)
    for fold in range(folds):
        out = _fold(more, fold, folds)
        v, b = _logistic(white[~out], more[~out])
        told[out] = white[out] @ v + b > 0
    unit = normal / np.linalg.norm(normal)
    return Learnt(spread @ unit, float((told == more).mean()))


def _fold(more: np.ndarray, fold: int, folds: int) -> Bool[np.ndarray, " n"]:
    """Every folds-th mark of each kind."""
    out = np.zeros(len(more), bool)
    for kind in (True, False):
        out[np.flatnonzero(more == kind)[fold::folds]] = True
    return out


def _logistic(
    x: Float64[np.ndarray, "n k"], more: Bool[np.ndarray, " n"]
) -> tuple[Float64[np.ndarray, " k"], float]:
    """Normal and offset of logistic regression with a Gaussian prior on the normal."""
    from scipy.optimize import minimize

    y = np.where(more, 1.0, -1.0)
    weight = np.where(more, 0.5 / max(1, more.sum()), 0.5 / max(1, (~more).sum()))

    def loss(v: np.ndarray) -> tuple[float, np.ndarray]:
        margin = y * (x @ v[:-1] + v[-1])
        pull = -weight * y / (1.0 + np.exp(np.clip(margin, -50, 50)))
        value = float(weight @ np.logaddexp(0.0, -margin)) + 0.5 * PRIOR / 10 * v[:-1] @ v[:-1]
        return value, np.append(PRIOR / 10 * v[:-1] + x.T @ pull, pull.sum())

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return found[:-1], float(found[-1])
