"""Plain operations on finished pictures: uint8 [height, width, 3], sRGB."""

from __future__ import annotations

import hashlib
import math
import struct
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from engine.errors import ImageError

Filter = Literal["lanczos", "bicubic", "nearest"]

_FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}


def resize(
    pixels: UInt8[np.ndarray, "height width 3"],
    width: int,
    height: int,
    filter: Filter = "lanczos",
) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """The picture at another size, by Pillow's resampling in whole numbers: the same everywhere.

    The picture itself comes back where the size is already right.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.array(picture.resize((width, height), _FILTERS[filter]), dtype=np.uint8)


def crop(
    pixels: UInt8[np.ndarray, "height width 3"], left: int, top: int, width: int, height: int
) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """The rectangle that begins at (left, top). Raises ImageError where it leaves the picture."""
    rows, columns = pixels.shape[:2]
    inside = left + width <= columns and top + height <= rows
    if not inside or min(left, top) < 0 or min(width, height) < 1:
        raise ImageError(
            f"The crop of {width} x {height} pixels at ({left}, {top}) does not fit into the "
            f"picture of {columns} x {rows}.",
            "Choose a rectangle inside the picture.",
        )
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def straighten(
    pixels: UInt8[np.ndarray, "height width 3"], x: float, y: float, side: int, rotation: float
) -> UInt8[np.ndarray, "side side 3"]:
    """The square about (x, y) that is turned counterclockwise by `rotation` degrees, set upright.

    By Pillow's bicubic resampling; beyond the picture its edge goes on. Raises ImageError where
    the centre is outside.
    """
    rows, columns = pixels.shape[:2]
    if not (0 <= x <= columns and 0 <= y <= rows):
        raise ImageError(
            f"The square's centre ({x:g}, {y:g}) is not in the picture of {columns} x {rows}.",
            "Move the square into the picture.",
        )
    turn, half = math.radians(rotation), side / 2
    cos, sin = math.cos(turn), math.sin(turn)
    reach = math.ceil(half * (abs(cos) + abs(sin))) + 2
    left, top = math.floor(x) - reach, math.floor(y) - reach
    across = np.clip(np.arange(left, left + 2 * reach + 1), 0, columns - 1)
    down = np.clip(np.arange(top, top + 2 * reach + 1), 0, rows - 1)
    around = np.ascontiguousarray(pixels[down[:, None], across[None, :]])
    # Pillow asks where each new pixel comes from, in pixels of `around`.
    cx, cy = x - left, y - top
    from_new = (cos, sin, cx - half * (cos + sin), -sin, cos, cy + half * (sin - cos))
    upright = Image.fromarray(around).transform(
        (side, side), Image.Transform.AFFINE, from_new, Image.Resampling.BICUBIC
    )
    return np.array(upright, dtype=np.uint8)


def pixels_sha256(pixels: UInt8[np.ndarray, "height width 3"]) -> str:
    """SHA-256 over height and width (unsigned 32 bits, big-endian each), then the bytes, HWC."""
    digest = hashlib.sha256(struct.pack(">II", *pixels.shape[:2]))
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def largest_difference(
    a: UInt8[np.ndarray, "height width 3"], b: UInt8[np.ndarray, "height width 3"]
) -> int:
    """The largest difference of two pictures of one size in any channel, 0 to 255."""
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max(initial=0))


def psnr(a: UInt8[np.ndarray, "height width 3"], b: UInt8[np.ndarray, "height width 3"]) -> float:
    """Peak signal-to-noise ratio in dB over all channels; infinite for equal pictures."""
    error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)
