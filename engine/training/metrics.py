"""How close two sets of pictures are, by their features."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

BLOCK = 1000  # rows of a distance matrix held at a time


def precision_recall(
    real: Float[np.ndarray, "n d"], made: Float[np.ndarray, "m d"], k: int = 3
) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al., 2019).

    The manifold of a set is the union of balls around its members that reach to their k-th
    nearest neighbour in the set. Precision is the share of made pictures on the real manifold,
    recall the share of real pictures on the made one.
    """
    return _covered(made, real, k), _covered(real, made, k)


def frechet_distance(real: Float[np.ndarray, "n d"], made: Float[np.ndarray, "m d"]) -> float:
    """Frechet distance between the normal distributions fitted to both (Heusel et al., 2017).

    |mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); the trace of the root is taken from the
    eigenvalues of S1^(1/2) S2 S1^(1/2), which are those of S1 S2.
    """
    a, b = real.astype(np.float64), made.astype(np.float64)
    means = a.mean(0) - b.mean(0)
    s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(np.atleast_2d(s1))
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ np.atleast_2d(s2) @ root)
    cross = np.sqrt(np.maximum(product, 0)).sum()
    return float(
        means @ means + np.trace(np.atleast_2d(s1)) + np.trace(np.atleast_2d(s2)) - 2 * cross
    )


def _covered(points: Float[np.ndarray, "n d"], members: Float[np.ndarray, "m d"], k: int) -> float:
    """The share of points that lie in at least one ball around the members."""
    radii = _radii(members, k)
    inside = 0
    for start in range(0, len(points), BLOCK):
        distances = _squared_distances(points[start : start + BLOCK], members)
        inside += int((distances <= radii[None, :]).any(1).sum())
    return inside / len(points)


def _radii(members: Float[np.ndarray, "m d"], k: int) -> Float32[np.ndarray, " m"]:
    """The squared distance of each member to its k-th nearest other member."""
    radii = np.empty(len(members), np.float32)
    for start in range(0, len(members), BLOCK):
        distances = _squared_distances(members[start : start + BLOCK], members)
        rows = np.arange(len(distances))
        distances[rows, start + rows] = np.inf
        radii[start : start + BLOCK] = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return radii


def _squared_distances(
    a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]
) -> Float32[np.ndarray, "n m"]:
    a, b = a.astype(np.float32), b.astype(np.float32)
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
    return np.asarray(np.maximum(squares, 0), np.float32)
