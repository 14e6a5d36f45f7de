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


DIFFERENCE_GAIN = 4


def apart(a: Shown, b: Shown) -> Shown:
    """How far two pictures are apart, four times as bright; b is brought to a's size."""
    one = a.buffers[0]
    other = b.buffers[0]
    if one.shape != other.shape:
        image = b.exact.scaled(a.width, a.height, mode=Qt.TransformationMode.SmoothTransformation)
        image = image.convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(a.height, -1)
        other = rows[:, : a.width * 3].reshape(a.height, a.width, 3)
    difference = np.abs(one.astype(np.int16) - other) * DIFFERENCE_GAIN
    return shown(np.clip(difference, 0, 255).astype(np.uint8))


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
    """Enlarge by a whole number with the Catmull-Rom cubic (a = -1/2; Keys, 1981).

    Sums of shifted rows, then of shifted columns: no matrix library, so no threads that would
    take time from the render that comes next.
    """
    tall = _enlarge_rows(pixels.astype(np.float32), times)
    wide = _enlarge_rows(np.ascontiguousarray(tall.swapaxes(0, 1)), times).swapaxes(0, 1)
    np.clip(wide + np.float32(0.5), 0, 255, out=wide)
    return np.ascontiguousarray(wide.astype(np.uint8))


def _enlarge_rows(pixels: Array, times: int) -> Array:
    """The first axis `times` as long; beyond the edges the edge repeats."""
    size = len(pixels)
    padded = np.concatenate([pixels[:1]] * 2 + [pixels] + [pixels[-1:]] * 2)
    result = np.empty((size * times, *pixels.shape[1:]), np.float32)
    for phase, (first, weights) in enumerate(_taps(times)):
        rows = result[phase::times]
        np.multiply(padded[first : first + size], weights[0], out=rows)
        for tap, weight in enumerate(weights[1:], 1):
            rows += padded[first + tap : first + tap + size] * weight
    return result


@lru_cache(maxsize=16)
def _taps(times: int) -> tuple[tuple[int, tuple[np.float32, ...]], ...]:
    """For each phase: which of the padded rows comes first, and the weights of four rows."""
    found = []
    for phase in range(times):
        centre = (phase + 0.5) / times - 0.5
        before = int(np.floor(centre)) - 1
        weights = tuple(np.float32(_cubic(centre - (before + tap))) for tap in range(4))
        found.append((before + 2, weights))
    return tuple(found)


def _cubic(distance: float) -> float:
    d = abs(distance)
    if d <= 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0


def _wrap(pixels: Array) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
