"""Finds a mark: fold the frame, find the shift by known waves, read the others, check the id."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, UInt8
from scipy.fft import ifft2

from engine.provenance.watermark.align import Pose, likely_poses, plain_poses, upright
from engine.provenance.watermark.code import decode
from engine.provenance.watermark.frame import SIDE, TILE, Frame, flattened, luminance, resized
from engine.provenance.watermark.lattice import (
    DATA,
    KNOWN,
    PILOT_SIGNS,
    PILOTS,
    WAVES,
    folded,
    shift_phases,
    to_signs,
    to_waves,
    waves_of,
)

CLEAR = 4.6  # deviations: below, no shift is worth a decoding
TRIES = 2
REFINED = 3  # poses that are climbed from
STRAIGHT = Pose(1.0, 1.0, 0.0)
LOUD = 3.0  # times the median: louder waves are cut to it, they are the picture's own
STEPS = np.array([-0.5, 0.0, 0.5])  # px around the best whole shift
_PILOT_WAVES = np.stack([to_waves(signs) for signs in PILOT_SIGNS]).conj()


@dataclass(frozen=True)
class Reading:
    """What was found.

    id: None where no check holds. sync: how clear the shift was, in deviations. fit: the
    correlation of what was read with the nearest word, 0 to 1.
    """

    id: int | None
    sync: float
    fit: float


def detect(pixels: UInt8[np.ndarray, "height width 3"], *, search: bool = True) -> Reading:
    """Look for a mark. search: also in cut, stretched, turned and flipped pictures."""
    plane = flattened(resized(luminance(pixels), SIDE, SIDE))
    found = read_tile(folded(plane))
    if found.id is not None or not search:
        return found
    tried: list[tuple[Reading, Pose, bool]] = []
    for pose in (STRAIGHT, *likely_poses(plane), *plain_poses()):
        tile = folded(*upright(plane, pose))
        for flipped in (False, True):
            found = read_tile(tile[:, ::-1] if flipped else tile)
            if found.id is not None:
                return found
            tried.append((found, pose, flipped))
    tried.sort(key=lambda entry: -entry[0].sync)
    for found, pose, flipped in tried[:REFINED]:
        if found.sync >= CLEAR:
            found = _refined(plane, pose, flipped, found)
            if found.id is not None:
                return found
    return tried[0][0]


def read_tile(tile: Float[np.ndarray, "64 64"]) -> Reading:
    """Try the clearest shifts of all pilots."""
    waves = _tamed(waves_of(tile))
    maps = _correlations(waves[KNOWN])
    scale = 1.0 / (maps.std() + 1e-12)
    best = Reading(None, float(maps.max() * scale), 0.0)
    for place in np.argpartition(maps, -TRIES, axis=None)[-TRIES:]:
        pilot, down, across = np.unravel_index(place, maps.shape)
        if maps[pilot, down, across] * scale < CLEAR:
            continue
        back = _finer(waves[KNOWN] * _PILOT_WAVES[pilot], int(down), int(across))
        id, fit = decode(to_signs((waves * back)[DATA]))
        if id is not None:
            return Reading(id, best.sync, fit)
        best = max(best, Reading(None, best.sync, fit), key=lambda reading: reading.fit)
    return best


def _refined(plane: Frame, pose: Pose, flipped: bool, found: Reading) -> Reading:
    """Climb to the pose near by in which the shift is clearest."""
    best, steps = found, np.array([0.006, 0.006, np.deg2rad(0.25)])
    for _ in range(3):
        for axis in range(3):
            for sign in (-1.0, 1.0):
                step = np.zeros(3)
                step[axis] = sign * steps[axis]
                near = Pose(
                    pose.down * float(np.exp(step[0])),
                    pose.across * float(np.exp(step[1])),
                    pose.angle + float(step[2]),
                )
                tile = folded(*upright(plane, near))
                seen = read_tile(tile[:, ::-1] if flipped else tile)
                if seen.id is not None:
                    return seen
                if seen.sync > best.sync:
                    best, pose = seen, near
        steps = steps / 2
    return best


def _tamed(waves: Complex[np.ndarray, " waves"]) -> Complex[np.ndarray, " waves"]:
    """The waves with the loudest cut."""
    size = np.abs(waves)
    return np.asarray(waves * np.minimum(1.0, LOUD * np.median(size) / np.maximum(size, 1e-9)))


def _correlations(known: Complex[np.ndarray, " known"]) -> Float[np.ndarray, "pilots 64 64"]:
    """How well the known waves fit at every whole shift, for every pilot."""
    whole = np.zeros((PILOTS, TILE, TILE), np.complex64)
    whole[:, WAVES[KNOWN, 0] % TILE, WAVES[KNOWN, 1] % TILE] = known * _PILOT_WAVES
    return np.asarray(ifft2(whole).real)


def _finer(
    products: Complex[np.ndarray, " known"], down: int, across: int
) -> Complex[np.ndarray, " waves"]:
    """The phases that undo the shift, to half a px."""
    phases = [shift_phases(-(down + a), -(across + b)) for a in STEPS for b in STEPS]
    fits = [float((products * phase[KNOWN]).real.sum()) for phase in phases]
    return phases[int(np.argmax(fits))]
