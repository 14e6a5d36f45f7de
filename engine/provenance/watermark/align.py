"""Undoes crops, stretches and turns: the repeated tile shows in the spectrum as a grid of peaks.

The strength of a wave does not depend on where the picture was cut, so the grid can be looked for
at every scale and angle by looking values up in one spectrum (after Pereira and Pun, 2000). Flips
look alike there; whoever reads tries both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Complex64, Float32
from PIL import Image
from scipy.fft import rfft2
from scipy.ndimage import gaussian_filter
from scipy.signal.windows import tukey

from engine.provenance.watermark.frame import SIDE, TILE, Frame
from engine.provenance.watermark.lattice import (
    KNOWN,
    WAVES,
    pilot_maps,
    reversed_waves,
    tamed,
)

PADDED = 2 * SIDE  # the spectrum in steps of half a period in the frame
SCALES = np.exp(np.arange(-47, 6) * 0.0115)
ANGLES = np.deg2rad(np.arange(-6.0, 6.01, 0.5))
SKEW = 4  # steps of scale by which the two sides may differ
BATCH = 16
TRIED = 300  # poses whose shift is looked for
KEPT = 20


@dataclass(frozen=True)
class Pose:
    """How the frame lies on the marked one: sides longer by 1/scale there, turned by angle."""

    down: float
    across: float
    angle: float


@dataclass(frozen=True)
class Candidate:
    """A pose that may be the right one. sync: how clear the shift is in it, in deviations."""

    sync: float
    pose: Pose
    flipped: bool


def candidates(plane: Frame) -> list[Candidate]:
    """The likeliest poses, the clearest first.

    First every pose is held to the grid of peaks; then, for those in which it stands out most and
    for plain crops, the known waves are read from the same spectrum and their shift looked for.
    """
    spectrum, level = _spectrum(plane)
    peaks = _peaks(spectrum, level)
    poses, rows, columns, mirrored = _places()
    scores = np.empty(len(poses))
    for start in range(0, len(poses), 4096):
        part = slice(start, start + 4096)
        scores[part] = peaks[rows[part], columns[part]].mean(axis=1)
    tried = np.union1d(np.argpartition(scores, -TRIED)[-TRIED:], _plain())
    values = (spectrum * np.exp(-level))[rows[tried], columns[tried]]
    values = tamed(np.where(mirrored[tried], values.conj(), values))
    found = []
    for flipped in (False, True):
        waves = (reversed_waves(values) if flipped else values)[:, KNOWN]
        for start in range(0, len(tried), BATCH):
            places = tried[start : start + BATCH].tolist()
            maps = pilot_maps(waves[start : start + BATCH])
            clear = maps.max(axis=(1, 2, 3)) / (maps.std(axis=(1, 2, 3)) + 1e-12)
            for place, sync in zip(places, clear.tolist(), strict=True):
                pose = Pose(*(float(x) for x in poses[place]))
                found.append(Candidate(sync, pose, flipped))
    found.sort(key=lambda one: -one.sync)
    return found[:KEPT]


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


def _spectrum(plane: Frame) -> tuple[Complex64[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Half the spectrum, phases counted from the middle, rows from -PADDED/2; and its log level.

    The level is that of the surroundings of each wave.
    """
    window = tukey(SIDE, 0.1).astype(np.float32)
    whole = np.zeros((PADDED, PADDED), np.float32)
    whole[:SIDE, :SIDE] = plane * window[:, None] * window[None, :]
    whole = np.roll(whole, (-SIDE // 2, -SIDE // 2), (0, 1))
    spectrum = np.fft.fftshift(rfft2(whole), axes=0)
    power = np.log(np.square(np.abs(spectrum)) + 1e-3)
    return spectrum, np.asarray(gaussian_filter(power, 5.0), np.float32)


def _peaks(
    spectrum: Complex64[np.ndarray, "h w"], level: Float32[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w"]:
    """Log power over its surroundings, clipped, so that no single line decides."""
    power = np.log(np.square(np.abs(spectrum)) + 1e-3) - level
    return np.asarray(np.clip(power, -1.5, 2.5), np.float32)


@cache
def _places() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
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
    return poses, rows.clip(0, PADDED - 1), np.rint(across).astype(np.int32), flip


@cache
def _plain() -> np.ndarray:
    """The places of what most damage is: cuts that turn nothing, and turns that cut nothing."""
    down, across, angle = _places()[0].T
    level = np.abs(angle) < 1e-6
    whole = np.abs(down - 1) < 0.006
    return np.flatnonzero((down == across) & (level | whole))
