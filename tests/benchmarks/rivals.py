"""Other libraries of invisible marks, each behind the same two functions; only for comparing.

invisible-watermark (dwtDct, dwtDctSvd, rivaGAN) and blind-watermark are a part of the `dev` extra
and of nothing that is shipped.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import numpy as np

from engine.provenance.fingerprint import Pixels

Bits = list[int]


@dataclass(frozen=True)
class Rival:
    """mark: a picture with the bits in it. read: the bits of a picture of any size, or None.

    pictures: how many of the benchmark's are tried; the slow ones get fewer.
    """

    name: str
    bits: int
    pictures: int
    mark: Callable[[Pixels, Bits], Pixels]
    read: Callable[[Pixels, int], Bits | None]


@cache
def rivals() -> tuple[Rival, ...]:
    """Those that are installed."""
    found: list[Rival] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in (_invisible, _blind):
            with suppress(ImportError):
                found += library()
    return tuple(found)


def at_psnr(pixels: Pixels, marked: Pixels, psnr_db: float) -> Pixels:
    """The mark made stronger or fainter until the picture has that PSNR."""
    change = marked.astype(np.float64) - pixels
    rms = np.sqrt(np.square(change).mean())
    if rms == 0:
        return marked
    scaled = pixels + change * (255 / 10 ** (psnr_db / 20) / rms)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _invisible() -> list[Rival]:
    from imwatermark import WatermarkDecoder, WatermarkEncoder

    def mark(method: str) -> Callable[[Pixels, Bits], Pixels]:
        def work(pixels: Pixels, bits: Bits) -> Pixels:
            encoder = WatermarkEncoder()
            encoder.set_watermark("bits", bits)
            return np.asarray(encoder.encode(_bgr(pixels), method))[..., ::-1]

        return work

    def read(method: str) -> Callable[[Pixels, int], Bits | None]:
        def work(pixels: Pixels, count: int) -> Bits | None:
            decoder = WatermarkDecoder("bits", count)
            return [int(bit) for bit in decoder.decode(_bgr(pixels), method)]

        return work

    made = [
        Rival(method, 64, 10, mark(method), _careful(read(method)))
        for method in ("dwtDct", "dwtDctSvd")
    ]
    try:
        WatermarkEncoder.loadModel()
        WatermarkDecoder.loadModel()
    except Exception:  # noqa: BLE001 - a missing model or runtime shows in many ways
        return made
    return [*made, Rival("rivaGan", 32, 2, mark("rivaGan"), _careful(read("rivaGan")))]


def _blind() -> list[Rival]:
    from blind_watermark import WaterMark, bw_notes

    bw_notes.close()

    def mark(pixels: Pixels, bits: Bits) -> Pixels:
        one = WaterMark(password_img=1, password_wm=1)
        one.read_img(img=_bgr(pixels).astype(np.float32))
        one.read_wm([bool(bit) for bit in bits], mode="bit")
        return np.clip(np.rint(one.embed()), 0, 255).astype(np.uint8)[..., ::-1]

    def read(pixels: Pixels, count: int) -> Bits | None:
        one = WaterMark(password_img=1, password_wm=1)
        found = one.extract(embed_img=_bgr(pixels).astype(np.float32), wm_shape=count, mode="bit")
        return [int(bit >= 0.5) for bit in found]

    return [Rival("blind-watermark", 64, 10, mark, _careful(read))]


def _careful(read: Callable[[Pixels, int], Bits | None]) -> Callable[[Pixels, int], Bits | None]:
    """Some refuse small or odd pictures; then nothing was read."""

    def work(pixels: Pixels, count: int) -> Bits | None:
        try:
            return read(pixels, count)
        except Exception:  # noqa: BLE001 - what they raise is as various as they are
            return None

    return work


def _bgr(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[..., ::-1])
