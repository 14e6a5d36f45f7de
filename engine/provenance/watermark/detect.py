"""Finds a mark: fold the frame, find the shift by known waves, read the others, check the id."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Float, UInt8

from engine.provenance.watermark.align import Pose, candidates, upright
from engine.provenance.watermark.code import decode
from engine.provenance.watermark.frame import SIDE, Frame, flattened, luminance, resized
from engine.provenance.watermark.lattice import (
    DATA,
    FLIPPED,
    KNOWN,
    PILOT_SIGNS,
    folded,
    noise_of,
    pilot_maps,
    shift_phases,
    tamed,
    to_signs,
    to_waves,
    waves_of,
    weights,
)

CLEAR = 4.6  # deviations: below, no shift is worth a decoding
TRIES = 2
LEAST_FIT = 0.5  # below, a word that passes its check is chance; true ones fit by 0.54 and more
REFINED = 3  # poses that are climbed from
STRAIGHT = Pose(1.0, 1.0, 0.0)
STEPS = np.array([-0.5, 0.0, 0.5])  # px around the best whole shift


@dataclass(frozen=True)
class Reading:
    """What was found.

    id: None where no check holds. sync: how clear the shift was, in deviations. fit: the
    correlation of what was read with the nearest word, 0 to 1; without an id, the best. words: how
    many were decoded, each of which passes the check by chance once in 2^24.
    """

    id: int | None
    sync: float
    fit: float
    words: int = 0


def detect(pixels: UInt8[np.ndarray, "height width 3"], *, search: bool = True) -> Reading:
    """Look for a mark. search: also in cut, stretched, turned and flipped pictures."""
    fits: list[float] = []
    found = _looked(flattened(resized(luminance(pixels), SIDE, SIDE)), search, fits)
    best = found.fit if found.id is not None else max(fits, default=0.0)
    return replace(found, fit=best, words=len(fits))


def _looked(plane: Frame, search: bool, fits: list[float]) -> Reading:
    tile, noise = folded(plane), noise_of(plane)
    found = _read(tile, noise, False, fits)
    if found.id is not None or not search:
        return found
    found = _read(tile, noise, True, fits)
    if found.id is not None:
        return found
    tried = [(found, STRAIGHT, True)]
    for one in candidates(plane):
        laid, there = upright(plane, one.pose)
        found = _read(folded(laid, there), noise_of(laid, there), one.flipped, fits)
        if found.id is not None:
            return found
        tried.append((found, one.pose, one.flipped))
    tried.sort(key=lambda entry: -entry[0].sync)
    for found, pose, flipped in tried[:REFINED]:
        if found.sync >= CLEAR:
            found = _refined(plane, pose, flipped, found, fits)
            if found.id is not None:
                return found
    return tried[0][0]


def _read(
    tile: Float[np.ndarray, "64 64"],
    noise: Float[np.ndarray, " waves"],
    flipped: bool,
    fits: list[float],
) -> Reading:
    """Try the clearest shifts of all pilots. noise: the picture's own variance at each wave."""
    if flipped:
        tile, noise = tile[:, ::-1], noise[FLIPPED]
    waves = tamed(waves_of(tile) * weights(noise))
    maps = pilot_maps(waves[KNOWN])
    scale = 1.0 / (maps.std() + 1e-12)
    sync = float(maps.max() * scale)
    for place in np.argpartition(maps, -TRIES, axis=None)[-TRIES:]:
        pilot, down, across = np.unravel_index(place, maps.shape)
        if maps[pilot, down, across] * scale < CLEAR:
            continue
        back = _finer(waves[KNOWN] * to_waves(PILOT_SIGNS[pilot]).conj(), int(down), int(across))
        id, fit = decode(to_signs((waves * back)[DATA]))
        fits.append(fit)
        if id is not None and fit >= LEAST_FIT:
            return Reading(id, sync, fit)
    return Reading(None, sync, 0.0)


def _refined(plane: Frame, pose: Pose, flipped: bool, found: Reading, fits: list[float]) -> Reading:
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
                laid, there = upright(plane, near)
                seen = _read(folded(laid, there), noise_of(laid, there), flipped, fits)
                if seen.id is not None:
                    return seen
                if seen.sync > best.sync:
                    best, pose = seen, near
        steps = steps / 2
    return best


def _finer(
    products: Complex[np.ndarray, " known"], down: int, across: int
) -> Complex[np.ndarray, " waves"]:
    """The phases that undo the shift, to half a px."""
    phases = [shift_phases(-(down + a), -(across + b)) for a in STEPS for b in STEPS]
    fits = [float((products * phase[KNOWN]).real.sum()) for phase in phases]
    return phases[int(np.argmax(fits))]
