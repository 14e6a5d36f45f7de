"""Adds a mark: as much as reading it back needs, within a limit of visibility."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from engine.image.pixels import psnr
from engine.provenance.watermark.code import encode
from engine.provenance.watermark.frame import (
    SIDE,
    TILE,
    Frame,
    flattened,
    luminance,
    resized,
    texture,
)
from engine.provenance.watermark.lattice import (
    PILOT_SIGNS,
    PILOTS,
    folded,
    spread,
    tile_of,
    to_signs,
    to_waves,
    waves_of,
)

ROUNDS = 3
EASE = 0.2  # how far the change follows texture: 0 not at all
LOWEST = 0.25  # of the energy allowed: calm pictures get no less
WANTED = 5.0  # energy of the mark over the picture's own, in a reading
LEAST_PSNR = 40.3  # dB


Signs = Float[np.ndarray, " signs"]


@dataclass(frozen=True)
class Marked:
    """A marked picture.

    psnr: dB against the one without. right: the share of signs that read back as written. ease:
    the energy of the strongest mark allowed over the picture's own, as a reader sees them; below
    about 1 the picture is so busy that damage may cost the id.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    psnr: float
    right: float
    ease: float


def pilot_of(id: int) -> int:
    """Which known pattern goes with an id."""
    return (id * 2654435761 % (1 << 32)) * PILOTS >> 32  # Knuth's multiplicative hash


def embed(
    pixels: UInt8[np.ndarray, "height width 3"], id: int, least_psnr: float = LEAST_PSNR
) -> Marked:
    """The picture with the id in it. id: 0 to 2^40 - 1. least_psnr: dB, of what comes out.

    The mark is spread-spectrum that takes the picture's own reading into account: a share of it
    is taken back, the rest of the energy raises all signs alike (improved spread spectrum, Malvar
    and Florencio, 2003). Calm pictures need, and get, a fainter mark.
    """
    height, width = pixels.shape[:2]
    frame = resized(luminance(pixels), SIDE, SIDE)
    signs = np.concatenate([encode(id), PILOT_SIGNS[pilot_of(id)]]).astype(np.float64)
    mask = _mask(frame)

    def change(power: Signs) -> Frame:
        return np.asarray(mask * spread(tile_of(to_waves(signs * power))), np.float32)

    def seen(power: Signs) -> Signs:
        marked = frame + change(power)
        return np.asarray(signs * to_signs(waves_of(folded(flattened(marked)))))

    own = seen(np.zeros(len(signs)))
    even = np.full(len(signs), _rms(least_psnr) / _tile_rms(len(signs)))
    gain = float((seen(even) - own).mean() / even[0])
    ease = (gain * even[0]) ** 2 / max(float(own.var()), 1e-9)
    budget = np.square(even).mean() * min(1.0, max(WANTED / ease, LOWEST))
    share = min(1.0, ease)  # of the picture's own reading that is taken back
    level = np.sqrt(max(0.0, budget / share**2 * gain**2 - float(own.var())))
    target = own + share * (level - own)
    power = (target - own) / gain
    for _ in range(ROUNDS):
        power = power + 0.7 * (target - seen(power)) / gain
        power = power * np.sqrt(budget / np.square(power).mean())
    added = resized(change(power), width, height)
    out = _added(pixels, added)
    if psnr(out, pixels) < least_psnr - 0.2:  # what is brought to another size can grow
        out = _added(pixels, added * 10 ** ((psnr(out, pixels) - least_psnr) / 20))
    return Marked(out, psnr(out, pixels), float(np.mean(seen(power) > 0)), ease)


def _mask(frame: Frame) -> Frame:
    """Where the change may be stronger: a little more in texture. Its mean square is 1."""
    _, strength = texture(frame)
    mask = strength**EASE
    return np.asarray(mask / np.sqrt(np.square(mask).mean()), np.float32)


def _rms(psnr: float) -> float:
    """The deviation in grey levels that a PSNR in dB allows."""
    return float(255.0 / 10 ** (psnr / 20))


def _tile_rms(count: int) -> float:
    """The deviation of a tile whose `count` signs all have the power 1."""
    return float(np.sqrt(2 * count) / TILE)


def _added(
    pixels: UInt8[np.ndarray, "height width 3"], change: Float32[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "height width 3"]:
    """The same change on all three channels, which is a change of luminance alone."""
    sums = pixels.astype(np.float32) + change[..., None]
    return np.asarray(np.clip(np.rint(sums), 0, 255).astype(np.uint8))
