"""Undoes crops, stretches and turns: the repeated tile shows in the spectrum as a grid of peaks.

The strength of a wave does not depend on where the picture was cut, so the grid can be looked for
at every scale and angle by looking values up in one spectrum (after Pereira and Pun, 2000). Flips
look alike there; whoever reads tries both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float32
from PIL import Image
from scipy.fft import rfft2
from scipy.ndimage import gaussian_filter
from scipy.signal.windows import tukey

from engine.provenance.watermark.frame import SIDE, TILE, Frame
from engine.provenance.watermark.lattice import WAVES

PADDED = 2 * SIDE  # the spectrum in steps of half a period in the frame
SCALES = np.exp(np.arange(-0.54, 0.065, 0.0115))
ANGLES = np.deg2rad(np.arange(-6.0, 6.01, 0.5))
SKEW = 4  # steps of scale by which the two sides may differ
KEPT = 16


@dataclass(frozen=True)
class Pose:
    """How the frame lies on the marked one: sides longer by 1/scale there, turned by angle."""

    down: float
    across: float
    angle: float


def likely_poses(plane: Frame) -> list[Pose]:
    """The poses in which the grid of the tile stands out most, best first."""
    power = _whitened(plane)
    poses, rows, columns = _places()
    scores = np.empty(len(poses))
    for start in range(0, len(poses), 4096):
        part = slice(start, start + 4096)
        scores[part] = power[rows[part], columns[part]].mean(axis=1)
    picked: list[Pose] = []
    for place in np.argsort(scores)[::-1][:200]:
        pose = Pose(*(float(x) for x in poses[place]))
        if all(_apart(pose, other) for other in picked):
            picked.append(pose)
            if len(picked) == KEPT:
                break
    return picked


def plain_poses() -> list[Pose]:
    """Every scale with the sides' proportion kept and no turn: what most crops are."""
    return [Pose(float(scale), float(scale), 0.0) for scale in SCALES]


def upright(
    plane: Frame, pose: Pose
) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """The plane as it lay in the marked frame, and where it shows anything."""
    height = -(-int(SIDE * pose.down * 1.12) // TILE) * TILE
    width = -(-int(SIDE * pose.across * 1.12) // TILE) * TILE
    cos, sin = np.cos(pose.angle), np.sin(pose.angle)
    a, b = cos / pose.across, -sin / pose.across
    d, e = sin / pose.down, cos / pose.down
    c = SIDE / 2 - a * width / 2 - b * height / 2
    f = SIDE / 2 - d * width / 2 - e * height / 2
    data, size = (a, b, c, d, e, f), (width, height)

    def laid(what: Frame, resample: Image.Resampling) -> np.ndarray:
        picture = Image.fromarray(what, mode="F")
        moved = picture.transform(size, Image.Transform.AFFINE, data, resample)
        return np.asarray(moved, np.float32)

    there = laid(np.ones_like(plane), Image.Resampling.NEAREST)
    return laid(plane, Image.Resampling.BICUBIC), there


def _whitened(plane: Frame) -> Float32[np.ndarray, "h w"]:
    """Log power over its surroundings, clipped, so that no single line decides."""
    window = tukey(SIDE, 0.1).astype(np.float32)
    spectrum = rfft2(plane * window[:, None] * window[None, :], (PADDED, PADDED))
    power = np.log(np.square(np.abs(spectrum)) + 1e-3)
    power = np.concatenate([power[PADDED // 2 :], power[: PADDED // 2]])  # rows from -256 to 255
    power = power - gaussian_filter(power, 5.0)
    return np.asarray(np.clip(power, -1.5, 2.5), np.float32)


@cache
def _places() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pose, and where in the spectrum each of its waves would stand."""
    n = len(SCALES)
    poses = np.array(
        [
            (SCALES[i], SCALES[j], angle)
            for i in range(n)
            for j in range(max(0, i - SKEW), min(n, i + SKEW + 1))
            for angle in ANGLES
        ]
    )
    step = PADDED / TILE
    u, v = WAVES[:, 0] * step, WAVES[:, 1] * step
    cos, sin = np.cos(poses[:, 2:]), np.sin(poses[:, 2:])
    # A wave k of the marked frame is S R k here: turned first, then longer by the scale.
    down = (cos * u + sin * v) * poses[:, :1]
    across = (-sin * u + cos * v) * poses[:, 1:2]
    flip = across < 0  # only half the spectrum is kept: the other half mirrors it
    down, across = np.where(flip, -down, down), np.abs(across)
    rows = np.rint(down).astype(np.int32) + PADDED // 2
    return poses, rows.clip(0, PADDED - 1), np.rint(across).astype(np.int32)


def _apart(a: Pose, b: Pose) -> bool:
    return bool(
        abs(np.log(a.down / b.down)) > 0.02
        or abs(np.log(a.across / b.across)) > 0.02
        or abs(a.angle - b.angle) > np.deg2rad(0.9)
    )
