"""Adds a mark: as much as reading it back needs, within a limit of visibility."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Float32, UInt8

from engine.image.pixels import psnr
from engine.provenance.watermark.code import SIGNS, encode
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
    correlations,
    folded,
    noise_of,
    shift_phases,
    spread,
    tile_of,
    to_signs,
    to_waves,
    waves_of,
    weights,
)

ROUNDS = 3
EASE = 0.2  # how far the change follows texture: 0 not at all
WANTED = 5.0  # energy of the mark over the picture's own, in a reading
LEAST_PSNR = 40.2  # dB
FAINTEST = 46.0  # dB at 512 px: a fainter mark would be lost in compression
SMALLER = 2.5  # dB less for each halving, for compression takes more from small pictures
BUSY, LEAST_PILOT = 1.5, 0.6  # below this ease the pilot is made fainter, down to so much
DAMAGE = 0.1  # what damage will add to a reading, in energies of the mark


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


def embed(
    pixels: UInt8[np.ndarray, "height width 3"], id: int, least_psnr: float = LEAST_PSNR
) -> Marked:
    """The picture with the id in it. id: 0 to 2^40 - 1. least_psnr: dB, of what comes out.

    The mark is spread-spectrum that knows the picture it goes into. Where the tile begins and which
    pilot goes with it is free, so the picture's own reading is made to agree as far as it can; then
    each sign is raised to one level as read by the weighing decoder, as far as the energy allows
    (improved spread spectrum, Malvar and Florencio, 2003, with a ridge for waves too loud to be
    turned). Calm pictures need, and get, a fainter mark.
    """
    height, width = pixels.shape[:2]
    frame = resized(luminance(pixels), SIDE, SIDE)
    mask = _mask(frame)
    plain = flattened(frame)
    noise = noise_of(plain)
    own = waves_of(folded(plain))
    signs, there = _choice(id, own * weights(noise))
    scale = np.repeat(weights(noise), 2)

    def change(power: Signs) -> Frame:
        tile = tile_of(to_waves(signs * power) * there)
        return np.asarray(mask * spread(tile), np.float32)

    def seen(power: Signs) -> Signs:
        marked = np.clip(frame + change(power), 0, 255)
        waves = waves_of(folded(flattened(np.asarray(marked, np.float32))))
        return np.asarray(signs * to_signs(waves * there.conj()))

    start = seen(np.zeros(len(signs)))
    even = np.full(len(signs), _rms(least_psnr) / _tile_rms(len(signs)))
    gain = float((seen(even) - start).mean() / even[0])
    most = (gain * even[0]) ** 2
    ease = most * float(scale.mean()) ** 2 / max(float(np.square(scale * start).mean()), 1e-9)
    faintest = _faintest(min(width, height))
    lowest = 10 ** ((least_psnr - faintest) / 10)
    budget = most * min(1.0, max(WANTED / ease, lowest))
    share = np.ones(len(signs))
    share[SIGNS:] = np.clip(ease / BUSY, LEAST_PILOT, 1.0)
    target = start + _push(start, scale, share, budget)
    power = (target - start) / gain
    limit = budget / gain**2
    for _ in range(ROUNDS):
        power = power + 0.7 * (target - seen(power)) / gain
        power = power * np.sqrt(limit / np.square(power).mean())
    added = resized(change(power), width, height)
    out = _added(pixels, added)
    # What is brought to another size can grow, and what is clipped is lost.
    held = min(max(psnr(out, pixels), least_psnr), max(faintest, least_psnr))
    if abs(psnr(out, pixels) - held) > 0.2:
        out = _added(pixels, added * 10 ** ((psnr(out, pixels) - held) / 20))
    return Marked(out, psnr(out, pixels), float(np.mean(seen(power) > 0)), ease)


def _choice(
    id: int, weighed: Complex[np.ndarray, " waves"]
) -> tuple[Signs, Complex[np.ndarray, " waves"]]:
    """The signs with the pilot, and the phases of the shift, that the picture agrees with most."""
    best, signs, place = -np.inf, np.empty(0), (np.intp(0), np.intp(0))
    for pilot in PILOT_SIGNS:
        tried = np.concatenate([encode(id), pilot]).astype(np.float64)
        fits = correlations(weighed * to_waves(tried).conj())
        if fits.max() > best:
            best, signs = float(fits.max()), tried
            down, across = np.unravel_index(int(fits.argmax()), fits.shape)
            place = (down, across)
    return signs, shift_phases(int(place[0]), int(place[1]))


def _push(start: Signs, scale: Signs, share: Signs, budget: float) -> Signs:
    """What to add to each sign's reading, of this mean square, so that the weighed signs read best.

    Minimises sum (scale (start + push) - share level)^2 + ridge push^2 for the ridge that leaves
    the clearest signs of the id: their mean over their deviation, damage to come counted in.
    share: of the level that each sign gets.
    """
    best, found = -np.inf, np.zeros(len(start))
    damage = DAMAGE * budget
    for ridge in np.geomspace(0.01, 100, 25):
        up, back = share * scale / (scale**2 + ridge), scale**2 / (scale**2 + ridge)
        a, b = float(np.square(up).mean()), float((up * back * start).mean())
        c = float(np.square(back * start).mean()) - budget
        if b * b < a * c:
            continue
        push = up * (b + np.sqrt(b * b - a * c)) / a - back * start
        read = (scale * (start + push))[:SIGNS]
        harm = damage * np.square(scale[:SIGNS]).mean()
        clear = read.mean() / np.sqrt(read.var() + harm)
        if clear > best:
            best, found = float(clear), push
    return found


def _faintest(side_px: int) -> float:
    """The PSNR in dB that a mark has in the calmest pictures."""
    return float(FAINTEST - SMALLER * np.log2(np.clip(512 / side_px, 1, 4)))


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
