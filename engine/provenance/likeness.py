"""Whether one picture is a part of another: what is left of it is moved over a small original.

Normalised cross-correlation (Lewis, "Fast normalized cross-correlation", 1995) at every size that a
cut can have, also mirrored. Coarse light and shade are taken out first, else any two portraits
would be alike.
"""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import Float
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from engine.provenance.fingerprint import Pixels

SMALL_PX = 64
"""The longer side of a kept original."""
_SHARES = np.arange(1.0, 0.42, -0.02)
_COARSE = 4.0
_LEAST = 12

Grey = Float[np.ndarray, "height width"]


def likeness(pixels: Pixels, small: bytes) -> float:
    """The best correlation in [0, 1] of the picture with any part of a small original.

    small: a JPEG of our own making. Raises ValueError where it cannot be read.
    """
    try:
        with Image.open(io.BytesIO(small), formats=("JPEG",)) as image:
            if max(image.size) > SMALL_PX:
                raise ValueError(f"Kept pictures have {SMALL_PX} px, got {image.size}.")
            original = _fine(np.asarray(image.convert("L"), np.float64))
    except OSError as error:
        raise ValueError("The kept picture cannot be read.") from error
    grey = Image.fromarray(np.ascontiguousarray(pixels)).convert("L")
    best = 0.0
    for width, height in _sizes(grey, original):
        part = _fine(np.asarray(grey.resize((width, height), Image.Resampling.BOX), np.float64))
        for turned in (part, part[:, ::-1]):
            best = max(best, _best_place(original, turned))
    return min(1.0, best)


def _sizes(grey: Image.Image, original: Grey) -> list[tuple[int, int]]:
    """Sizes in which the part may lie in the original, at its own proportions."""
    height, width = original.shape
    fit = min(width / grey.width, height / grey.height)
    found = []
    for share in _SHARES:
        size = (round(grey.width * fit * share), round(grey.height * fit * share))
        if min(size) >= _LEAST and size not in found:
            found.append(size)
    return found


def _fine(grey: Grey) -> Grey:
    return np.asarray(grey - gaussian_filter(grey, _COARSE))


def _best_place(original: Grey, part: Grey) -> float:
    part = part - part.mean()
    ones, count = np.ones_like(part), part.size
    products = fftconvolve(original, part[::-1, ::-1], "valid")
    sums = fftconvolve(original, ones, "valid")
    squares = fftconvolve(original**2, ones, "valid")
    spread = np.sqrt(np.maximum(squares - sums**2 / count, 1e-6))
    return float((products / (spread * (np.linalg.norm(part) + 1e-6))).max())
