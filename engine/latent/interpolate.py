"""Between two latents: straight lines for w, great circles for z."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Float64

_PARALLEL = 1e-9


def lerp(
    a: Float32[np.ndarray, "*shape"], b: Float32[np.ndarray, "*shape"], t: float
) -> Float32[np.ndarray, "*shape"]:
    """a + t (b - a). t = 0 gives a and t = 1 gives b, to the bit; t may pass the ends."""
    if t == 0.0:
        return a
    if t == 1.0:
        return b
    wide = a.astype(np.float64)
    mixed: Float32[np.ndarray, "*shape"] = (wide + t * (b - wide)).astype(np.float32)
    return mixed


def slerp(
    a: Float32[np.ndarray, "batch dim"], b: Float32[np.ndarray, "batch dim"], t: float
) -> Float32[np.ndarray, "batch dim"]:
    """Spherical interpolation for z, row by row (Shoemake 1985).

    The direction turns along the great circle from a to b and the length changes linearly: between
    two draws of a Gaussian every step keeps the length of a draw, where a straight line would cut
    through the thin middle. t = 0 gives a and t = 1 gives b, to the bit; t may pass the ends, and
    the length then stops at 0. Rows that point the same way are interpolated straight; rows that
    point opposite ways turn through one fixed perpendicular; a zero row has no direction and is
    interpolated straight.
    """
    if t == 0.0:
        return a
    if t == 1.0:
        return b
    rows = [_slerp_row(x, y, t) for x, y in zip(a, b, strict=True)]
    return np.stack(rows).astype(np.float32)


def _slerp_row(
    a: Float32[np.ndarray, " dim"], b: Float32[np.ndarray, " dim"], t: float
) -> Float64[np.ndarray, " dim"]:
    x, y = a.astype(np.float64), b.astype(np.float64)
    length_x, length_y = float(np.linalg.norm(x)), float(np.linalg.norm(y))
    if length_x == 0.0 or length_y == 0.0:
        return x + t * (y - x)
    u, v = x / length_x, y / length_y
    cosine = float(u @ v)
    across: Float64[np.ndarray, " dim"] = v - cosine * u
    sine = float(np.linalg.norm(across))
    length = max(0.0, (1.0 - t) * length_x + t * length_y)
    if sine > _PARALLEL:
        # atan2 keeps its precision at small angles, where arccos of the dot product loses it
        angle = t * math.atan2(sine, cosine)
        return _turn(u, across / sine, angle) * length
    if cosine > 0:
        return length * (u + t * (v - u))
    return _turn(u, _perpendicular(u), t * math.pi) * length


def _turn(
    u: Float64[np.ndarray, " dim"], across: Float64[np.ndarray, " dim"], angle: float
) -> Float64[np.ndarray, " dim"]:
    return math.cos(angle) * u + math.sin(angle) * across


def _perpendicular(u: Float64[np.ndarray, " dim"]) -> Float64[np.ndarray, " dim"]:
    """A unit vector across u, always the same one for the same u."""
    axis = np.zeros_like(u)
    axis[np.argmin(np.abs(u))] = 1.0
    across: Float64[np.ndarray, " dim"] = axis - float(u @ axis) * u
    length = float(np.linalg.norm(across))
    return across / length if length > 0.0 else axis
