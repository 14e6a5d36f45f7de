"""How a picture of any size meets the networks, and how the mark comes back into the picture.

After sections 3 and 4 of the paper and the published programs: the encoder sees the picture, or the
square in its middle where it is more than twice as long as wide, at 256 x 256; what it changed is
enlarged and added at the picture's own size, so that no detail is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

SIDE = 256  # px that the encoder sees
LONGEST = 2.0  # of length to width; what is longer is marked in its middle square
TAPER = 0.01  # of the smaller side: over so much the change grows from the edge
MOST_TAPER_PX = 50

Pixels = UInt8[np.ndarray, "height width 3"]
Planes = Float32[np.ndarray, "1 3 side side"]
Encoder = Callable[[Planes, Float32[np.ndarray, "1 100"]], Planes]
"""A picture and bits, 0 or 1, to the marked picture; pictures in [-1, 1]."""
Decoder = Callable[[Planes], Float32[np.ndarray, " 100"]]
"""A picture to 100 numbers, above 0 where a bit is set."""


@dataclass(frozen=True)
class Variant:
    """One of the published pairs of networks.

    reads_px: the side that its decoder was published for. squared: the middle square is taken of
    every picture. gain: what its change is multiplied by besides the strength.
    """

    letter: str
    reads_px: int = 245
    squared: bool = False
    gain: float = 1.0

    @property
    def algorithm(self) -> str:
        """Its name in C2PA's list of soft bindings."""
        return f"com.adobe.trustmark.{self.letter}"


VARIANTS = (
    Variant("Q"),
    Variant("P", 224, True, 1.25),
    Variant("B"),
    Variant("C"),
)


def added(
    pixels: Pixels,
    bits: Float32[np.ndarray, " 100"],
    encode: Encoder,
    variant: Variant,
    strength: float,
) -> Pixels:
    """The picture with the bits in it. strength: 1 as published, more is more visible."""
    top, left, height, width = _part(pixels, variant)
    part = pixels[top : top + height, left : left + width]
    seen = _planes(part, SIDE)
    change = np.clip(encode(seen, bits[None]), -1, 1) - seen
    change -= change.mean(axis=(2, 3), keepdims=True)  # else the whole picture would take a tint
    grown = np.stack([_enlarged(plane, width, height) for plane in change[0]], axis=-1)
    grown *= np.float32(strength * variant.gain * 127.5) * _taper(height, width)[..., None]
    out = pixels.copy()
    sums = part.astype(np.float32) + grown
    out[top : top + height, left : left + width] = np.clip(np.rint(sums), 0, 255).astype(np.uint8)
    return out


def read(
    pixels: Pixels, decode: Decoder, variant: Variant, side_px: int
) -> Float32[np.ndarray, " 100"]:
    """What the decoder answers to the picture, shown to it at `side_px`."""
    top, left, height, width = _part(pixels, variant)
    part = pixels[top : top + height, left : left + width]
    return np.asarray(decode(_planes(part, side_px)), np.float32).reshape(-1)


def _part(pixels: Pixels, variant: Variant) -> tuple[int, int, int, int]:
    """Top, left, height and width of what is marked."""
    height, width = pixels.shape[:2]
    short = min(height, width)
    if not variant.squared and max(height, width) <= LONGEST * short:
        return 0, 0, height, width
    return (height - short) // 2, (width - short) // 2, short, short


def _planes(part: Pixels, side: int) -> Planes:
    picture = Image.fromarray(np.ascontiguousarray(part))
    small = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR), np.float32)
    return np.ascontiguousarray((small / 127.5 - 1).transpose(2, 0, 1)[None], np.float32)


def _enlarged(
    plane: Float32[np.ndarray, "side side"], width: int, height: int
) -> Float32[np.ndarray, "height width"]:
    """Bilinear, pixel centres on pixel centres, without smoothing first: as torch interpolates."""
    down, low, part_down = _between(height, plane.shape[0])
    across, right, part_across = _between(width, plane.shape[1])
    rows = plane[down] * (1 - part_down[:, None]) + plane[low] * part_down[:, None]
    grown = rows[:, across] * (1 - part_across) + rows[:, right] * part_across
    return np.asarray(grown, np.float32)


def _between(count: int, old: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each new place the two old ones it lies between, and how far it is to the second."""
    place = np.clip((np.arange(count) + 0.5) * old / count - 0.5, 0, old - 1)
    first = np.minimum(place.astype(np.int64), max(0, old - 2))
    return first, np.minimum(first + 1, old - 1), (place - first).astype(np.float32)


def _taper(height: int, width: int) -> Float32[np.ndarray, "height width"]:
    """1 within, and less along the edges, so that no line shows around the mark."""
    reach = int(np.clip(int(min(height, width) * TAPER), 1, MOST_TAPER_PX))
    down, across = (
        np.minimum(1.0, (np.minimum(np.arange(n), np.arange(n)[::-1]) + 1) / reach)
        for n in (height, width)
    )
    return np.asarray(np.minimum(down[:, None], across[None, :]), np.float32)
