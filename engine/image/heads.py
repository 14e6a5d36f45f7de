"""A bare head that is turned, as a picture of where on it each pixel lies.

Its colours are the coordinates in the head's own frame (normalised object coordinates; Wang et al.,
2019), so that one picture tells the whole pose. Whole numbers, the same on every machine.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, UInt8

# As Portraits are drawn: angles at the ends of the sliders, and the size of a head.
YAW, PITCH, TILT = math.radians(50.0), math.radians(18.0), math.radians(-7.0)
SIZE = 1.07
REACH = 1.6  # of the head's frame, from one end of the colours to the other
# Middle and half-axes of skull, jaw, bridge and tip of the nose.
PARTS = (
    ((0.0, 0.13, -0.05), (0.55, 0.52, 0.57)),
    ((0.0, -0.20, 0.07), (0.46, 0.44, 0.455)),
    ((0.0, -0.01, 0.475), (0.06, 0.17, 0.10)),
    ((0.0, -0.145, 0.545), (0.095, 0.078, 0.11)),
)

Grid = Float64[np.ndarray, "side side"]


def head_pose(side: int, yaw: float, pitch: float, tilt: float) -> UInt8[np.ndarray, "side side 3"]:
    """yaw, pitch, tilt: in [-1, 1], as the attributes of Portraits. Black around the head."""
    axes = _axes(yaw * YAW, pitch * PITCH, tilt * TILT)
    centre = (
        0.09 * math.sin(yaw * YAW) - 0.5 * math.sin(tilt * TILT),
        0.04 + 0.05 * math.sin(pitch * PITCH),
    )
    places = (np.arange(side) + 0.5) * (2.0 / side) - 1.0
    x, y = np.meshgrid((places - centre[0]) / SIZE, (-places - centre[1]) / SIZE)
    start = [axis[0] * x + axis[1] * y for axis in axes]
    along = [axis[2] for axis in axes]
    near = np.full((side, side), -np.inf)
    for middle, half in PARTS:
        near = np.maximum(near, _nearest(start, along, middle, half))
    hit = np.isfinite(near)
    depth = np.where(hit, near, 0.0)
    found = [(s + d * depth) / REACH + 0.5 for s, d in zip(start, along, strict=True)]
    colours = np.stack(found, axis=2).clip(0.0, 1.0) * hit[:, :, None]
    return np.asarray(np.rint(colours * 255.0), np.uint8)


def _axes(yaw: float, pitch: float, tilt: float) -> list[tuple[float, float, float]]:
    """The head's axes in the picture's frame: Rz(tilt) Ry(yaw) Rx(-pitch)."""
    sy, cy, sp, cp = math.sin(yaw), math.cos(yaw), math.sin(pitch), math.cos(pitch)
    st, ct = math.sin(tilt), math.cos(tilt)
    plain = ((cy, 0.0, -sy), (-sy * sp, cp, -cy * sp), (sy * cp, sp, cy * cp))
    return [(ct * a[0] - st * a[1], st * a[0] + ct * a[1], a[2]) for a in plain]


def _nearest(
    start: list[Grid],
    along: list[float],
    middle: tuple[float, float, float],
    half: tuple[float, float, float],
) -> Grid:
    """How far toward the viewer each ray leaves an ellipsoid; -inf where it passes by."""
    from_middle = [(s - m) / h for s, m, h in zip(start, middle, half, strict=True)]
    way = [d / h for d, h in zip(along, half, strict=True)]
    a = sum(d * d for d in way)
    b = sum(s * d for s, d in zip(from_middle, way, strict=True))
    c = sum(s * s for s in from_middle) - 1.0
    inside = np.asarray(b * b - a * c)
    found: Grid = np.where(inside > 0, (np.sqrt(np.maximum(inside, 0.0)) - b) / a, -np.inf)
    return found
