"""Which waves of the tile carry what: some are known and tell the shift, the others carry signs.

A wave is a pair of whole numbers (down, across) of periods in a tile. Each has two parts, cosine
and sine, and so carries two signs. All lie in a band that small pictures and strong compression
leave alone: from 4.4 to 13 periods in 64 px of the canonical frame.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float, Int8, Int64
from scipy.fft import irfft2, rfft2

from engine.provenance.watermark.code import SIGNS
from engine.provenance.watermark.frame import TILE

LOW, HIGH = 4.4, 13.0  # periods in a tile
LOUD = 3.0  # times the median: louder waves are cut to it
RANGE = 20.0  # no wave counts for more, or for less, than so many times the median
FULL, FEWEST = 0.6, 4  # a tile counts as shown from this share on; so many tell the noise
PILOTS = 8  # known patterns; one is drawn for each picture, so that averaging many finds none


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


def _near() -> Float[np.ndarray, "waves waves"]:
    """Each wave's mean over itself and the waves at most (1, 1) away, either of a mirrored pair."""
    ahead = np.square(WAVES[:, None] - WAVES[None]).sum(-1)
    back = np.square(WAVES[:, None] + WAVES[None]).sum(-1)
    near = (np.minimum(ahead, back) <= 2).astype(np.float64)
    return np.asarray(near / near.sum(axis=1, keepdims=True))


def _flipped() -> Int64[np.ndarray, " waves"]:
    """Where each wave lies in a mirrored picture."""
    places = {(int(u), int(v)): i for i, (u, v) in enumerate(WAVES)}
    return np.array([places.get((-u, v), places.get((u, -v), 0)) for u, v in WAVES.tolist()])


_NEAR = _near()
FLIPPED = _flipped()
PILOT_SIGNS: Int8[np.ndarray, "pilots signs"] = np.random.RandomState(2).choice(
    np.array([-1, 1], np.int8), (PILOTS, 2 * (len(WAVES) - SIGNS // 2))
)


def waves_of(tile: Float[np.ndarray, "*n 64 64"]) -> Complex[np.ndarray, "*n waves"]:
    """The carrying waves of a tile, orthonormal."""
    return np.asarray(rfft2(tile)[..., _CELLS[0], _CELLS[1]] / TILE)


def noise_of(
    plane: Float[np.ndarray, "h w"], there: Float[np.ndarray, "h w"] | None = None
) -> Float[np.ndarray, " waves"]:
    """How loud the picture itself is at each wave of the folded tile: variance, by its tiles.

    A mark is the same in all tiles, so what differs from tile to tile is the picture's own. The
    nearest waves are averaged. there: 0 where the plane shows nothing.
    """
    down, across = plane.shape[0] // TILE, plane.shape[1] // TILE
    shape = (down, TILE, across, TILE)
    tiles = plane.reshape(shape).transpose(0, 2, 1, 3).reshape(-1, TILE, TILE)
    if there is not None:
        full = there.reshape(shape).mean(axis=(1, 3)).reshape(-1) > FULL
        if full.sum() < FEWEST:
            return np.ones(len(WAVES))
        tiles = tiles[full]
    spectra = rfft2(tiles)[:, _CELLS[0], _CELLS[1]] / TILE
    apart = np.square(np.abs(spectra - spectra.mean(axis=0))).mean(axis=0)
    return np.asarray(_NEAR @ apart / len(tiles) + 1e-9)


def weights(noise: Float[np.ndarray, " waves"]) -> Float[np.ndarray, " waves"]:
    """What each wave counts for: the less, the louder the picture is there (matched filter)."""
    return np.asarray((np.median(noise) / noise).clip(1 / RANGE, RANGE))


def tile_of(waves: Complex[np.ndarray, "*n waves"]) -> Float[np.ndarray, "*n 64 64"]:
    """The tile that holds these waves and no others.

    Fewer waves than WAVES are taken for the last ones, the known.
    """
    u, v = WAVES[-waves.shape[-1] :].T
    half = np.zeros((*waves.shape[:-1], TILE, TILE // 2 + 1), np.complex64)
    half[..., u % TILE, v] = waves
    half[..., -u[v == 0] % TILE, 0] = waves[..., v == 0].conj()
    return np.asarray(irfft2(half, workers=-1) * TILE)


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


def shift_phases(down: float, across: float) -> Complex[np.ndarray, " waves"]:
    """What moves a tile's waves by so many px."""
    return np.asarray(np.exp(-2j * np.pi * (WAVES[:, 0] * down + WAVES[:, 1] * across) / TILE))


def to_waves(
    signs: Float[np.ndarray, "*n signs"] | Int8[np.ndarray, "*n signs"],
) -> Complex[np.ndarray, "*n waves"]:
    """Two numbers a wave: the cosine's, then the sine's."""
    return np.asarray(signs[..., 0::2] + 1j * signs[..., 1::2])


def to_signs(waves: Complex[np.ndarray, "*n waves"]) -> Float[np.ndarray, "*n signs"]:
    """The inverse."""
    return np.stack([waves.real, waves.imag], axis=-1).reshape(*waves.shape[:-1], -1)


def correlations(products: Complex[np.ndarray, "*n waves"]) -> Float[np.ndarray, "*n 64 64"]:
    """How well waves fit at every whole shift. products: waves times conjugates of those sought."""
    return tile_of(products) * (TILE / 2)


def pilot_maps(known: Complex[np.ndarray, "*n known"]) -> Float[np.ndarray, "*n pilots 64 64"]:
    """How well the known waves fit every pilot at every whole shift."""
    return correlations(known[..., None, :] * _PILOT_WAVES)


def tamed(waves: Complex[np.ndarray, "*n waves"]) -> Complex[np.ndarray, "*n waves"]:
    """The waves with the loudest cut: they are the picture's own."""
    size = np.abs(waves)
    usual = np.median(size, axis=-1, keepdims=True)
    return np.asarray(waves * np.minimum(1.0, LOUD * usual / np.maximum(size, 1e-9)))


def reversed_waves(
    waves: Complex[np.ndarray, "*n waves"],
) -> Complex[np.ndarray, "*n waves"]:
    """Those of the mirrored picture, counted from its middle."""
    return np.where(WAVES[:, 1] == 0, waves, waves[..., FLIPPED].conj())


_PILOT_WAVES = np.stack([to_waves(signs) for signs in PILOT_SIGNS]).conj()
