"""From a frame's pixels to a QImage that paints fast. Runs in the lane's thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

Array = np.ndarray[Any, np.dtype[Any]]

SMALL_PX = 256  # smaller pictures are enlarged by a cubic first: Qt's own enlargement is linear
THUMB_PX = 128


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture to look at. `exact` wraps the frame's own pixels; `smooth` is for enlarging.

    The arrays are kept beside the images that wrap them, and are never written again.
    """

    exact: QImage
    smooth: QImage
    buffers: tuple[Array, ...]

    @property
    def width(self) -> int:
        """Pixels of the picture itself."""
        return self.exact.width()

    @property
    def height(self) -> int:
        """Pixels of the picture itself."""
        return self.exact.height()


def shown(pixels: Array) -> Shown:
    """Wrap uint8 [height, width, 3] pixels for the canvas."""
    pixels = np.ascontiguousarray(pixels)
    exact = _wrap(pixels)
    largest = max(pixels.shape[:2])
    if largest >= SMALL_PX:
        return Shown(exact, exact, (pixels,))
    enlarged = enlarge(pixels, -(-SMALL_PX // largest))
    return Shown(exact, _wrap(enlarged), (pixels, enlarged))


def thumb(pixels: Array) -> QImage:
    """A small picture of its own memory; at least THUMB_PX when the frame has as many."""
    pixels = np.ascontiguousarray(pixels)
    if max(pixels.shape[:2]) < THUMB_PX:
        pixels = enlarge(pixels, 2)
    return (
        _wrap(pixels)
        .scaled(
            THUMB_PX,
            THUMB_PX,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        .copy()
    )


def enlarge(pixels: Array, times: int) -> Array:
    """Enlarge by a whole number with the Catmull-Rom cubic (a = -1/2; Keys, 1981)."""
    height, width = pixels.shape[:2]
    rows, columns = _cubic(height, times), _cubic(width, times)
    tall = np.tensordot(rows, pixels.astype(np.float32), axes=(1, 0))  # [H w 3]
    wide = np.einsum("Ww,hwc->hWc", columns, tall, optimize=True)
    result: Array = np.empty(wide.shape, np.uint8)
    np.clip(np.rint(wide, out=wide), 0, 255, out=wide)
    result[...] = wide
    return result


@lru_cache(maxsize=16)
def _cubic(size: int, times: int) -> Array:
    """The matrix [size * times, size] that enlarges one axis; edges repeat."""
    matrix = np.zeros((size * times, size), np.float32)
    for out in range(size * times):
        centre = (out + 0.5) / times - 0.5
        first = int(np.floor(centre)) - 1
        for tap in range(first, first + 4):
            d = abs(centre - tap)
            weight = (
                1.5 * d**3 - 2.5 * d**2 + 1
                if d <= 1
                else max(-0.5 * d**3 + 2.5 * d**2 - 4 * d + 2, -1) * (d < 2)
            )
            matrix[out, min(max(tap, 0), size - 1)] += weight
    return matrix


def _wrap(pixels: Array) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
