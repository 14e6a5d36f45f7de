"""Other libraries of invisible marks, each behind the same two functions; only for comparing.

invisible-watermark (dwtDct, dwtDctSvd, rivaGAN) and blind-watermark are a part of the `dev` extra
and of nothing that is shipped.
"""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from engine.image.pixels import psnr
from engine.provenance.fingerprint import Pixels

Bits = list[int]


@dataclass(frozen=True)
class Rival:
    """mark: a picture with the bits in it, at a strength; 1 is the library's own. read: the bits of
    a picture of any size, or None; it is told the strength, which a real reader is not.
    """

    name: str
    bits: int
    mark: Callable[[Pixels, Bits, float], Pixels]
    read: Callable[[Pixels, int, float], Bits | None]


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


def at_psnr(rival: Rival, pixels: Pixels, bits: Bits, psnr_db: float) -> tuple[Pixels, float]:
    """The picture marked at the strength that comes nearest to that PSNR, and the strength.

    Not below 0.7: a conversion of colours alone can cost so much that no strength reaches it.
    """
    low, high = 0.7, 4.0
    best: tuple[float, Pixels, float] | None = None
    for _ in range(6):
        strength = float(np.sqrt(low * high))
        marked = rival.mark(pixels, bits, strength)
        got = psnr(marked, pixels)
        if best is None or abs(got - psnr_db) < best[0]:
            best = (abs(got - psnr_db), marked, strength)
        low, high = (strength, high) if got > psnr_db else (low, strength)
    assert best is not None
    return best[1], best[2]


def _invisible() -> list[Rival]:
    from imwatermark import WatermarkDecoder, WatermarkEncoder
    from imwatermark.dwtDctSvd import EmbedDwtDctSvd
    from imwatermark.maxDct import EmbedMaxDct

    def classic(kind: type, scales: tuple[int, int, int]) -> Rival:
        def embedder(bits: Bits, count: int, strength: float) -> Any:
            return kind(bits, wmLen=count, scales=[scale * strength for scale in scales])

        def mark(pixels: Pixels, bits: Bits, strength: float) -> Pixels:
            return _rgb(embedder(bits, len(bits), strength).encode(_bgr(pixels)))

        def read(pixels: Pixels, count: int, strength: float) -> Bits | None:
            found = embedder([], count, strength).decode(_bgr(pixels))
            return [int(bit) for bit in np.asarray(found).reshape(-1)[:count]]

        name = "dwtDctSvd" if kind is EmbedDwtDctSvd else "dwtDct"
        return Rival(name, 64, mark, _careful(read))

    def mark(pixels: Pixels, bits: Bits, strength: float) -> Pixels:
        encoder = WatermarkEncoder()
        encoder.set_watermark("bits", bits)
        change = _rgb(encoder.encode(_bgr(pixels), "rivaGan")).astype(np.float64) - pixels
        return np.clip(np.rint(pixels + change * strength), 0, 255).astype(np.uint8)

    def read(pixels: Pixels, count: int, strength: float) -> Bits | None:
        decoder = WatermarkDecoder("bits", count)
        return [int(bit) for bit in decoder.decode(_bgr(pixels), "rivaGan")]

    made = [classic(EmbedMaxDct, (0, 36, 36)), classic(EmbedDwtDctSvd, (0, 36, 0))]
    try:
        WatermarkEncoder.loadModel()
        WatermarkDecoder.loadModel()
    except Exception as error:  # noqa: BLE001 - a missing model or runtime shows in many ways
        warnings.warn(f"rivaGan is left out: {error}", stacklevel=2)
        return made
    return [*made, Rival("rivaGan", 32, mark, _careful(read))]


def _blind() -> list[Rival]:
    set_start_method = multiprocessing.set_start_method
    multiprocessing.set_start_method = lambda *a, **k: None  # it would set "fork" for everybody
    try:
        from blind_watermark import WaterMark, bw_notes
    finally:
        multiprocessing.set_start_method = set_start_method
    bw_notes.close()

    def one(strength: float) -> Any:
        made = WaterMark(password_img=1, password_wm=1)
        made.bwm_core.d1, made.bwm_core.d2 = 36 * strength, 20 * strength
        return made

    def mark(pixels: Pixels, bits: Bits, strength: float) -> Pixels:
        made = one(strength)
        made.read_img(img=_bgr(pixels).astype(np.float32))
        made.read_wm([bool(bit) for bit in bits], mode="bit")
        return _rgb(made.embed())

    def read(pixels: Pixels, count: int, strength: float) -> Bits | None:
        picture = _bgr(pixels).astype(np.float32)
        found = one(strength).extract(embed_img=picture, wm_shape=count, mode="bit")
        return [int(bit >= 0.5) for bit in found]

    return [Rival("blind-watermark", 64, mark, _careful(read))]


Read = Callable[[Pixels, int, float], Bits | None]


def _careful(read: Read) -> Read:
    """Some refuse small or odd pictures; then nothing was read."""

    def work(pixels: Pixels, count: int, strength: float) -> Bits | None:
        try:
            return read(pixels, count, strength)
        except Exception:  # noqa: BLE001 - what they raise is as various as they are
            return None

    return work


def _bgr(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[..., ::-1])


def _rgb(pixels: np.ndarray) -> Pixels:
    levels = np.clip(np.rint(np.asarray(pixels, np.float64)), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(levels[..., ::-1])
