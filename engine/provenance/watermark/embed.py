"""Adds a mark: as much as reading it back needs, within a limit of visibility."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Float32, UInt8

from engine.image.pixels import psnr
from engine.provenance.watermark.code import SIGNS, encode
from engine.provenance.watermark.frame import SIDE, Frame, flattened, luminance, resized, texture
from engine.provenance.watermark.lattice import (
    PILOT_SIGNS,
    correlations,
    folded,
    noise_of,
    shift_phases,
    to_signs,
    to_waves,
    waves_of,
    weights,
)
from engine.provenance.watermark.remains import Remains

ROUNDS = 8
SLOWING = 0.3  # each step is shorter than the one before
NEAR = 0.02  # dB
WHOLE = 3.0  # what the whole picture counts among its remainders
SURE = 0.65  # where a remainder fits its word less, the mark is made stronger
MORE, WORTH = 1.5, 0.03  # by so many dB, as long as that mends the fit by so much
EASE = 0.2  # how far the change follows texture: 0 not at all
WANTED = 8.0  # energy of the mark over the picture's own, in a reading
LEAST_PSNR = 40.05  # dB
FAINTEST = 46.0  # dB at 512 px: a fainter mark would be lost in compression
SMALLER = 2.5  # dB less for each halving, for compression takes more from small pictures
BUSY, LEAST_PILOT = 2.5, 0.6  # below this ease the pilot is made fainter, down to so much


Signs = Float[np.ndarray, "*n signs"]
Waves = Complex[np.ndarray, "*n waves"]
Weights = Float[np.ndarray, " waves"]


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
    pilot goes with it is free, so the picture's own reading is made to agree as far as it can. Then
    the change itself is sought: of all changes of one energy, the one by which the signs read as
    clearly as they can in whatever may remain of the picture, by steps along the gradient of what
    reads too faintly (projected gradient descent on a squared hinge; as informed embedding, after
    Miller, Doerr and Cox, 2004, looks for the nearest picture that reads as it should). Calm
    pictures need, and get, a fainter mark.
    """
    height, width = pixels.shape[:2]
    frame = resized(luminance(pixels), SIDE, SIDE)
    plain = flattened(frame)
    scale = weights(noise_of(plain))
    signs, there = _choice(id, waves_of(folded(plain)) * scale)
    wanted = _Wanted(frame, scale, signs, there)
    start = wanted.pulled(np.ones_like(wanted.own), _rms(least_psnr))
    ease = wanted.ease(start)
    faintest = max(least_psnr, _faintest(min(width, height)))
    held = float(np.clip(least_psnr + 10 * np.log10(ease / WANTED), least_psnr, faintest))
    change = wanted.sought(start, _rms(held), ease)
    while held > least_psnr and wanted.fit(change) < SURE:
        louder = max(least_psnr, held - MORE)
        stronger = wanted.sought(change, _rms(louder), ease)
        if wanted.fit(stronger) < wanted.fit(change) + WORTH:
            break  # such as a night sky, of which contrast leaves nothing
        change, held = stronger, louder
    added = resized(change, width, height)
    out = _added(pixels, added)
    for _ in range(2):  # what is brought to another size can grow, and what is clipped is lost
        if abs(psnr(out, pixels) - held) > NEAR:
            added = added * np.float32(10 ** ((psnr(out, pixels) - held) / 20))
            out = _added(pixels, added)
    right = float(np.mean(wanted.read(change)[0] > 0))
    return Marked(out, psnr(out, pixels), right, ease)


class _Wanted:
    """A word in a frame: how clearly its signs read in what may remain, and what mends that."""

    def __init__(self, frame: Frame, scale: Weights, signs: Signs, there: Waves) -> None:
        self._remains = Remains(frame)
        self._scale = np.repeat(scale, 2) * signs
        self._there = there
        self._bent = texture(frame)[1] ** (1 + EASE)  # the louder a place, the more it takes unseen
        self.own = self._clear(self._remains.own)

    def _clear(self, waves: Waves) -> Signs:
        """How clearly each sign reads, as a reader weighs them; below 0 it reads wrong."""
        return np.asarray(self._scale * to_signs(waves * self._there.conj()))

    def read(self, change: Frame) -> Signs:
        """The signs of each remainder, after a change of the frame."""
        return np.asarray(self.own + self._clear(self._remains.answer(change)))

    def pulled(self, wish: Signs, rms: float) -> Frame:
        """The change of that deviation which answers most to a wish of each sign."""
        waves = to_waves(self._scale * wish) * self._there
        return _scaled(self._bent * self._remains.pull(waves), rms)

    def ease(self, change: Frame) -> float:
        """The energy of a change over the picture's own, in a reading of the whole."""
        gained = (self.read(change) - self.own)[0].mean()
        return float(gained**2 / max(np.square(self.own[0]).mean(), 1e-9))

    def sought(self, start: Frame, rms: float, ease: float) -> Frame:
        """The change of that deviation by which the signs read best in all that may remain."""
        share = np.ones(self.own.shape[1])
        share[SIGNS:] = np.clip(ease / BUSY, LEAST_PILOT, 1.0)
        change = _scaled(start, rms)
        for round in range(ROUNDS):
            read = self.read(change)
            short = np.maximum(0, share * read[:, :SIGNS].mean() - read)
            short[0] *= WHOLE
            change = _scaled(change + self.pulled(short, rms / (1 + SLOWING * round)), rms)
        return change

    def fit(self, change: Frame) -> float:
        """How well the worst of the remainders fits the word, as `decode` measures it."""
        told = self.read(change)[:, :SIGNS]
        return float((told.mean(axis=1) / np.sqrt(np.square(told).mean(axis=1))).min())


def _choice(id: int, weighed: Waves) -> tuple[Signs, Waves]:
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


def _faintest(side_px: int) -> float:
    """The PSNR in dB that a mark has in the calmest pictures."""
    return float(FAINTEST - SMALLER * np.log2(np.clip(512 / side_px, 1, 4)))


def _scaled(change: Frame, rms: float) -> Frame:
    """The change with that deviation."""
    now = float(np.sqrt(np.square(change, dtype=np.float64).mean()))
    return np.asarray(change * np.float32(rms / max(now, 1e-9)), np.float32)


def _rms(psnr: float) -> float:
    """The deviation in grey levels that a PSNR in dB allows."""
    return float(255.0 / 10 ** (psnr / 20))


def _added(
    pixels: UInt8[np.ndarray, "height width 3"], change: Float32[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "height width 3"]:
    """The same change on all three channels, which is a change of luminance alone."""
    sums = pixels.astype(np.float32) + change[..., None]
    return np.asarray(np.clip(np.rint(sums), 0, 255).astype(np.uint8))
