"""Principal directions of w (Härkönen et al., 2020, "GANSpace")."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32


def principal_directions(
    w: Float32[np.ndarray, "n w_dim"], count: int
) -> Float32[np.ndarray, "count w_dim"]:
    """The first principal components of w, each as long as w's standard deviation along it.

    Ordered by falling variance. The sign, which the method leaves open, is chosen so that the
    component of largest magnitude is positive.
    """
    centred = w.astype(np.float64) - w.mean(0, dtype=np.float64)
    variances, vectors = np.linalg.eigh(centred.T @ centred / len(w))
    order = np.argsort(variances)[::-1][:count]
    directions = vectors[:, order].T * np.sqrt(np.maximum(variances[order], 0))[:, None]
    largest = np.abs(directions).argmax(1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return np.asarray(directions * signs[:, None], np.float32)
