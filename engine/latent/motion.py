"""How the plane moves that StyleGAN3 makes its pictures on."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32


def inverse_motion(x: float, y: float, rotation: float) -> Float32[np.ndarray, "3 3"]:
    """The matrix that takes the moved plane back; the generator asks where each point came from.

    The picture is turned about its middle by `rotation` degrees, counterclockwise, then moved x to
    the right and y downward, in its widths: the convention of the published scripts, so that the
    same numbers give the same picture (Karras et al. 2021, appendix F).
    """
    cos, sin = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    turn_back = np.array([[cos, -sin], [sin, cos]])
    matrix = np.eye(3)
    matrix[:2, :2] = turn_back
    matrix[:2, 2] = turn_back @ (-x, -y)
    return matrix.astype(np.float32)
