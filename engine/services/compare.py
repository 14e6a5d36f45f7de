"""A fresh rendering of a file's Recipe beside the file: by the signed hash, and pixel by pixel.

What was signed is the hash of the picture before it was marked and saved. So the fresh picture is
held to that hash first; then it is marked again as the file says, and held to the file's pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.errors import ImageError
from engine.frame import Frame, Mark, Rerender, Verdict
from engine.image.codec import read_picture
from engine.image.formats import AVIF, JPEG, PNG, TIFF, WEBP, PictureFormat, sniff
from engine.image.pixels import largest_difference, pixels_sha256, psnr
from engine.provenance import soft_binding
from engine.provenance.fingerprint import Pixels

MarkAgain = Callable[[Pixels, Mark], Pixels | None]


def compare(
    verdict: Verdict, frame: Frame, data: bytes, mark_again: MarkAgain | None = None
) -> Rerender:
    """How a fresh frame compares with a file. mark_again: see services.marking."""
    receipt = _receipt(verdict)
    identical = pixels_sha256(frame.pixels) == receipt.get("pixels_sha256")
    mark = stated_mark(verdict, receipt)
    marked = mark_again(frame.pixels, mark) if mark_again is not None and mark is not None else None
    fresh = frame.pixels if marked is None else marked
    other = _made_otherwise(receipt, frame)
    try:
        pixels = read_picture(data)
    except ImageError as error:
        text = f"{_hash_words(identical)} The file's own pixels cannot be read: {error.what}"
        return Rerender(identical, 255, 0.0, text + other, fresh)
    if pixels.shape != fresh.shape:
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        text = f"{_hash_words(identical)} The file has another size, {size}."
        return Rerender(identical, 255, 0.0, text, fresh)
    difference, ratio = largest_difference(pixels, fresh), psnr(pixels, fresh)
    state = "" if mark is None else "marked" if marked is not None else "unmarked"
    text = _words(identical, difference, ratio, sniff(data), state)
    text += other if not identical else ""
    apart, gain = difference_picture(pixels, fresh)
    return Rerender(identical, difference, ratio, text, fresh, apart, gain)


def stated_mark(verdict: Verdict, receipt: Mapping[str, Any]) -> Mark | None:
    """The mark that the manifest states, with the parameters that manifest or ledger know."""
    for stated in verdict.claim.get("watermarks", ()):
        value = soft_binding.read(stated["alg"], stated["value"])
        if value is None:
            continue
        known = receipt.get("watermark")
        known = known if isinstance(known, Mapping) and known.get("alg") == stated["alg"] else {}
        parameters = known.get("parameters")
        return Mark(stated["alg"], value, parameters if isinstance(parameters, Mapping) else {})
    return None


def _receipt(verdict: Verdict) -> Mapping[str, Any]:
    """How the picture was made, by its manifest or, for a private tier, by the ledger."""
    told = verdict.claim.get("export", {}).get("receipt")
    if told is None and verdict.ledger is not None and verdict.ledger.is_sure:
        told = verdict.ledger.receipt
    return told if isinstance(told, Mapping) else {}


def _made_otherwise(receipt: Mapping[str, Any], frame: Frame) -> str:
    """What else may explain a difference, as a sentence."""
    backend, how = receipt.get("backend"), receipt.get("how", "")
    if backend not in (None, frame.backend):
        return f" It was made with {str(backend)[:20]}."
    if how != frame.how:
        usual = "float32 weights on the processor"
        then, now = (str(way)[:200] or usual for way in (how, frame.how))
        return f" It was made with {then}; here with {now}."
    return ""


def difference_picture(a: Pixels, b: Pixels) -> tuple[Pixels, int]:
    """How far two pictures of one size are apart: grey, black where equal; and the gain used.

    The gain is a power of two that spreads what there is over the whole range.
    """
    apart = np.abs(a.astype(np.int16) - b.astype(np.int16)).max(axis=2)
    most = int(apart.max(initial=0))
    gain = 1 if most == 0 else 1 << max(0, (255 // most).bit_length() - 1)
    grey = np.clip(apart * gain, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2)), gain


def _hash_words(identical: bool) -> str:
    if identical:
        return "Rendered again, the picture before it was saved is identical."
    return "Rendered again, the picture is not identical to the one that was signed."


def _words(
    identical: bool, difference: int, ratio: float, kind: PictureFormat | None, mark: str
) -> str:
    far = f"at most {difference} of 255 apart"
    far += f", PSNR {ratio:.1f} dB" if math.isfinite(ratio) else ""
    if identical and difference == 0:
        included = ", its invisible mark included" if mark == "marked" else ""
        return f"Rendered again: identical, in every pixel{included}."
    if identical and kind in (JPEG, AVIF):
        before = "its mark and " if mark == "unmarked" else ""
        return (
            f"Rendered again: identical before {before}{kind.word} compression; "
            f"the compressed file is {far} from it."
        )
    if identical and mark == "unmarked":
        before = "identical before its invisible mark"
        return f"Rendered again: {before}; the marked file is {far} from it."
    if identical:
        return f"Rendered again: as it was signed, but this file's pixels are {far} from it."
    if difference == 0 and kind in (PNG, WEBP, TIFF):
        return "Rendered again: the same pixels as this file, though not the hash that was signed."
    return f"Rendered again: not identical; this file is {far} from it."
