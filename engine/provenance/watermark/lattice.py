"""Which waves of the tile carry what: some are known and tell the shift, the others carry signs.

A wave is a pair of whole numbers (down, across) of periods in a tile. Each has two parts, cosine
and sine, and so carries two signs. All lie in a band that small pictures and strong compression
leave alone: from 4.4 to 13 periods in 64 px of the canonical frame.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float, Int8, Int64

from engine.provenance.watermark.code import SIGNS
from engine.provenance.watermark.frame import SIDE, TILE, Frame

LOW, HIGH = 4.4, 13.0  # periods in a tile
PILOTS = 16  # known patterns; one is drawn for each picture, so that averaging many finds none


def _waves() -> Int64[np.ndarray, "n 2"]:
    reach = int(HIGH)
    points = [
        (u, v)
        for u in range(-reach, reach + 1)
        for v in range(reach + 1)
        if LOW <= np.hypot(u, v) <= HIGH and (v > 0 or u > 0)
    ]
    order = np.random.RandomState(1).permutation(len(points))
    return np.array(points, np.int64)[order]


WAVES = _waves()  # the first SIGNS / 2 carry the id, the rest are known
DATA = slice(0, SIGNS // 2)
KNOWN = slice(SIGNS // 2, len(WAVES))
_CELLS = (WAVES[:, 0] % TILE, WAVES[:, 1] % TILE)
_MIRROR = (-WAVES[:, 0] % TILE, -WAVES[:, 1] % TILE)
PILOT_SIGNS: Int8[np.ndarray, "pilots signs"] = np.random.RandomState(2).choice(
    np.array([-1, 1], np.int8), (PILOTS, 2 * (len(WAVES) - SIGNS // 2))
)


def waves_of(tile: Float[np.ndarray, "64 64"]) -> Complex[np.ndarray, " waves"]:
    """The carrying waves of a tile, orthonormal."""
    return np.asarray((np.fft.fft2(tile) / TILE)[_CELLS])


def tile_of(waves: Complex[np.ndarray, " waves"]) -> Float[np.ndarray, "64 64"]:
    """The tile that holds these waves and no others."""
    whole = np.zeros((TILE, TILE), np.complex128)
    whole[_CELLS] = waves
    whole[_MIRROR] = waves.conj()
    return np.asarray(np.fft.ifft2(whole * TILE).real)


def folded(
    plane: Float[np.ndarray, "h w"], weight: Float[np.ndarray, "h w"] | None = None
) -> Float[np.ndarray, "64 64"]:
    """The mean of all tiles of a plane whose sides are multiples of the tile's.

    weight: 0 where the plane shows nothing.
    """
    down, across = plane.shape[0] // TILE, plane.shape[1] // TILE
    shape = (down, TILE, across, TILE)
    total = plane.reshape(shape).sum(axis=(0, 2))
    if weight is None:
        return np.asarray(total / (down * across))
    return np.asarray(total / np.maximum(weight.reshape(shape).sum(axis=(0, 2)), 0.25))


def spread(tile: Float[np.ndarray, "64 64"]) -> Frame:
    """The tile repeated over the whole frame."""
    return np.tile(tile, (SIDE // TILE, SIDE // TILE)).astype(np.float32)


def shift_phases(down: float, across: float) -> Complex[np.ndarray, " waves"]:
    """What moves a tile's waves by so many px."""
    return np.asarray(np.exp(-2j * np.pi * (WAVES[:, 0] * down + WAVES[:, 1] * across) / TILE))


def to_waves(
    signs: Float[np.ndarray, " signs"] | Int8[np.ndarray, " signs"],
) -> Complex[np.ndarray, " waves"]:
    """Two numbers a wave: the cosine's, then the sine's."""
    return np.asarray(signs[0::2] + 1j * signs[1::2])


def to_signs(waves: Complex[np.ndarray, " waves"]) -> Float[np.ndarray, " signs"]:
    """The inverse."""
    return np.stack([waves.real, waves.imag], axis=1).reshape(-1)
