"""Perceptual fingerprints: how a picture is known again after it was saved, resized or cut.

Two kinds of 64 bits each. The first is the DCT hash of Zauner, "Implementation and Benchmarking of
Perceptual Image Hash Functions" (2010), section 3.2.1: it survives saving, scaling and light. The
second follows the ring partition of Tang, Zhang, Li and Zhang, "Robust image hashing with ring
partition and invariant vector distance" (2016): statistics of rings around the centre, which no
rotation and no flip moves. Both are taken of the whole picture and of its middle, so that a picture
cut at its edges finds the part that is left of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, UInt8, UInt64
from PIL import Image

Pixels = UInt8[np.ndarray, "height width 3"]
SIZE = 64
"""Bytes of a stored fingerprint: two kinds, four cuts, eight bytes each."""

_CUTS = (1.0, 0.9, 0.8, 0.7)
_SIDE, _RINGS, _DISC = 32, 64, 128
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Likeness:
    """How near a stored picture is. index: its place in the list; score: see `similarity`."""

    index: int
    score: float


def fingerprints(pixels: Pixels) -> bytes:
    """What is stored of a picture: DCT hashes of four cuts, then ring hashes of the same."""
    cuts = [_middle(pixels, part) for part in _CUTS]
    words = [dct_hash(cut) for cut in cuts] + [ring_hash(cut) for cut in cuts]
    return np.array(words, dtype="<u8").tobytes()


def dct_hash(pixels: Pixels) -> int:
    """64 bits: which of the 8 x 8 lowest frequencies, the very lowest aside, exceed the median."""
    return _dct_bits(_small(pixels))


def _small(pixels: Pixels) -> Float[np.ndarray, "side side"]:
    grey = Image.fromarray(np.ascontiguousarray(pixels)).convert("L")
    return np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), dtype=np.float64)


def _dct_bits(small: Float[np.ndarray, "side side"]) -> int:
    rows = _dct(_SIDE)[1:9]
    low = rows @ small @ rows.T
    return _packed((low > np.median(low)).ravel())


def ring_hash(pixels: Pixels) -> int:
    """64 bits: signs of the frequencies of brightness, contrast and colour from ring to ring."""
    square = _middle(pixels, 1.0, square=True)
    disc = Image.fromarray(square).resize((_DISC, _DISC), Image.Resampling.LANCZOS)
    rgb = np.asarray(disc, dtype=np.float64).reshape(-1, 3)
    luma = rgb @ _LUMA
    count = np.bincount(_rings(), minlength=_RINGS + 1)[:_RINGS]

    def mean(values: Float[np.ndarray, " pixels"]) -> Float[np.ndarray, " rings"]:
        return np.bincount(_rings(), values, _RINGS + 1)[:_RINGS] / count

    light = mean(luma)
    spread = np.sqrt(np.maximum(mean(luma**2) - light**2, 0))
    blue, red = mean(rgb[:, 2] - luma), mean(rgb[:, 0] - luma)
    rows = _dct(_RINGS)
    parts = [rows[1:25] @ light, rows[1:25] @ spread, rows[1:9] @ blue, rows[1:9] @ red]
    return _packed(np.concatenate(parts) > 0)


class FingerprintIndex:
    """Many stored fingerprints, searched at once. stored: `fingerprints` of each picture."""

    def __init__(self, stored: list[bytes]) -> None:
        table = np.frombuffer(b"".join(stored), dtype="<u8").astype(np.uint64)
        self._table: UInt64[np.ndarray, "pictures 8"] = table.reshape(len(stored), 8)

    def search(self, pixels: Pixels, least: float, most: int = 5) -> tuple[Likeness, ...]:
        """The nearest pictures of at least this score, the best first.

        The picture is looked for as it is, turned by quarters and mirrored. The score weighs both
        kinds, the one that fits better three times as much.
        """
        if not len(self._table):
            return ()
        small = _small(pixels)
        turned = [np.rot90(side, n) for side in (small, small[:, ::-1]) for n in range(4)]
        asked = [_dct_bits(picture) for picture in turned]
        first = np.min([_distances(self._table[:, :4], word) for word in asked], axis=0)
        second = _distances(self._table[:, 4:], ring_hash(pixels))
        score = similarity(first, second).max(axis=1)
        best = np.argsort(-score, kind="stable")[:most]
        return tuple(Likeness(int(i), float(score[i])) for i in best if score[i] >= least)


def similarity(
    first: UInt8[np.ndarray, "pictures cuts"], second: UInt8[np.ndarray, "pictures cuts"]
) -> Float[np.ndarray, "pictures cuts"]:
    """Distances in bits of the two kinds to a score in [0, 1].

    1 means equal in both. Of unlike pictures about a fifth of the weighed bits differ where they
    fit best (of four cuts and eight turns), and that is where the score ends: 0.
    """
    near, far = np.minimum(first, second), np.maximum(first, second)
    differ = (3 * near.astype(np.float64) + far) / (4 * 64)
    return np.asarray(np.maximum(1 - 5 * differ, 0))


def _distances(
    table: UInt64[np.ndarray, "pictures cuts"], word: int
) -> UInt8[np.ndarray, "pictures cuts"]:
    return np.asarray(np.bitwise_count(table ^ np.uint64(word)))


def _middle(pixels: Pixels, part: float, square: bool = False) -> Pixels:
    """The middle of the picture: that part of each side, or the largest square."""
    height, width = pixels.shape[:2]
    tall, wide = max(1, round(height * part)), max(1, round(width * part))
    if square:
        tall = wide = min(height, width)
    top, left = (height - tall) // 2, (width - wide) // 2
    return np.ascontiguousarray(pixels[top : top + tall, left : left + wide])


def _packed(bits: np.ndarray) -> int:
    return int.from_bytes(np.packbits(bits.astype(bool)).tobytes(), "big")


@cache
def _dct(size: int) -> Float[np.ndarray, "size size"]:
    """The DCT-II as a matrix: rows are frequencies."""
    k, n = np.mgrid[0:size, 0:size]
    return np.asarray(np.cos(np.pi * k * (2 * n + 1) / (2 * size)))


@cache
def _rings() -> np.ndarray:
    """For each pixel of the disc its ring, all of one area; what lies outside goes to the last."""
    y, x = np.mgrid[0:_DISC, 0:_DISC] + 0.5 - _DISC / 2
    share = (x**2 + y**2) / (_DISC / 2) ** 2
    return np.where(share < 1, (share * _RINGS).astype(np.int64), _RINGS).ravel()
