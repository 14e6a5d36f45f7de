"""Directions as normals of a boundary between two kinds of latents ("InterFaceGAN").

Shen et al. (2020): latents whose pictures clearly have an attribute and clearly lack it are told
apart by a linear support vector machine; the normal of its plane is the direction. A conditional
direction is what is left of a normal once the normals of other attributes are projected out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from engine.errors import DirectionError

Vectors = Float[np.ndarray, "n dim"]
EDGE = 0.2  # share of the samples taken as clearly having, and as clearly lacking, an attribute


@dataclass(frozen=True)
class Boundary:
    """A plane normal . x + offset = 0; positive is "has more". accuracy: on what was held out."""

    normal: Float64[np.ndarray, " dim"]
    offset: float
    accuracy: float


def clear_cases(
    values: Float[np.ndarray, " n"], edge: float = EDGE
) -> tuple[np.ndarray, Bool[np.ndarray, " m"]]:
    """Indices of the highest and lowest share of the samples, and which of them are high."""
    order = np.argsort(values, kind="stable")
    count = max(2, round(len(values) * edge))
    picked = np.concatenate([order[-count:], order[:count]])
    return picked, np.arange(2 * count) < count


def fit_boundary(
    x: Vectors, values: Float[np.ndarray, " n"], held_out: float = 0.3, seed: int = 0
) -> Boundary:
    """The boundary between high and low values, fitted to a part and tried on the rest.

    Raises DirectionError when all values are alike.
    """
    if float(np.ptp(values)) < 1e-6:
        raise DirectionError("These pictures do not differ in this attribute.", "Choose another.")
    picked, high = clear_cases(values)
    shuffled = np.random.RandomState(seed).permutation(len(picked))
    cut = max(1, round(len(picked) * held_out))
    test, train = shuffled[:cut], shuffled[cut:]
    normal, offset = linear_svm(x[picked][train], high[train])
    told = x[picked][test].astype(np.float64) @ normal + offset > 0
    return Boundary(normal, offset, float((told == high[test]).mean()))


def linear_svm(
    x: Vectors, high: Bool[np.ndarray, " n"], c: float = 1.0
) -> tuple[Float64[np.ndarray, " dim"], float]:
    """Unit normal and offset of a linear support vector machine with squared hinge loss.

    Minimises |v|^2 / 2 + c * mean(max(0, 1 - y (v . x + b))^2) in the primal (Chapelle, 2007),
    with every coordinate divided by its deviation, so that none counts by its size alone.
    """
    from scipy.optimize import minimize

    mean = x.mean(0, dtype=np.float64)
    scale = np.maximum(x.std(0, dtype=np.float64), 1e-12)
    rows = (x.astype(np.float64) - mean) / scale
    y = np.where(high, 1.0, -1.0)

    def loss(v: np.ndarray) -> tuple[float, np.ndarray]:
        slack = np.maximum(0.0, 1.0 - y * (rows @ v[:-1] + v[-1]))
        pull = -2.0 * c * slack * y / len(y)
        grad = np.append(1e-2 * v[:-1] + rows.T @ pull, pull.sum())
        return float(0.5e-2 * v[:-1] @ v[:-1] + c * np.mean(slack**2)), grad

    found = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B").x
    normal = found[:-1] / scale
    length = float(np.linalg.norm(normal))
    if length == 0.0:
        raise DirectionError("No plane tells these pictures apart.", "Mark clearer ones.")
    return normal / length, float((found[-1] - normal @ mean) / length)


def conditional(
    normal: Float64[np.ndarray, " dim"], others: Float64[np.ndarray, "k dim"]
) -> Float64[np.ndarray, " dim"]:
    """The normal with the span of the others projected out, at unit length (section 3.3)."""
    if not len(others):
        return normal
    basis = np.linalg.qr(np.asarray(others, np.float64).T)[0]
    rest = normal - basis @ (basis.T @ normal)
    length = float(np.linalg.norm(rest))
    if length < 1e-6:
        raise DirectionError(
            "Nothing is left of this direction once the others are held.", "Hold fewer of them."
        )
    return np.asarray(rest / length)
