"""Single style channels that change one thing, or one place (Wu et al., 2021, "StyleSpace")."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from engine.errors import DirectionError

Region = tuple[float, float, float, float]


def ranked_channels(
    styles: Float[np.ndarray, "n style_dim"], values: Float[np.ndarray, " n"], edge: float = 0.05
) -> tuple[Int64[np.ndarray, " style_dim"], Float64[np.ndarray, " style_dim"]]:
    """Channels by how consistently they differ in pictures that clearly have an attribute.

    Section 4: with styles counted in population deviations, theta is the mean over its deviation
    among the exemplars; returned are the channels by falling |theta|, and theta by channel.
    """
    if float(np.ptp(values)) < 1e-6:
        raise DirectionError("These pictures do not differ in this attribute.", "Choose another.")
    count = max(8, round(len(values) * edge))
    exemplars = np.argsort(values, kind="stable")[-count:]
    mean, std = styles.mean(0), np.maximum(styles.std(0), 1e-8)
    normal = (styles[exemplars].astype(np.float64) - mean) / std
    theta = normal.mean(0) / np.maximum(normal.std(0), 1e-3)
    theta[styles.std(0) < 1e-6] = 0.0
    return np.argsort(-np.abs(theta), kind="stable"), theta


def inside(region: Region, height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """Pixels in a region left, top, right, bottom, in shares of the picture. DirectionError."""
    left, top, right, bottom = region
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise DirectionError(
            f"A region is left, top, right, bottom within 0 to 1, got {region}.",
            "For the mouth of a portrait: 0.3,0.6,0.7,0.85",
        )
    mask = np.zeros((height, width), bool)
    mask[
        int(top * height) : max(int(top * height) + 1, round(bottom * height)),
        int(left * width) : max(int(left * width) + 1, round(right * width)),
    ] = True
    return mask


def locality(
    before: Float[np.ndarray, "n 3 h w"],
    after: Float[np.ndarray, "n 3 h w"],
    mask: Bool[np.ndarray, "h w"],
) -> tuple[float, float]:
    """Share of all squared change that lies in the mask, and the mean change there, 0 to 255."""
    squared = np.square(after.astype(np.float32) - before.astype(np.float32)).mean((0, 1))
    total = float(squared.sum())
    if total == 0.0:
        return 0.0, 0.0
    return float(squared[mask].sum()) / total, float(np.sqrt(squared[mask].mean()))


def channel_vector(
    channel: int, styles: Float[np.ndarray, "n style_dim"], sign: float = 1.0
) -> Float[np.ndarray, " style_dim"]:
    """A direction in s that moves one channel by its standard deviation."""
    vector = np.zeros(styles.shape[1], np.float32)
    vector[channel] = sign * styles[:, channel].std()
    return vector
