"""Edges of a picture, in whole numbers, so that they are the same on every machine."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int32, UInt8

Picture = UInt8[np.ndarray, "height width 3"]
Slopes = Int32[np.ndarray, "height width"]
TANGENT = 13573  # of 22.5 degrees, in 32768ths


def canny(pixels: Picture, low: float, high: float) -> Picture:
    """Thin edges in white on black (Canny, 1986, without the smoothing before).

    A pixel is an edge where the slope is a ridge across its direction and above `high`, or above
    `low` and joined to such a one. Slopes are |x| + |y| of Sobel's, of the steepest channel: 0 to
    2040.
    """
    x, y = _steepest(pixels.astype(np.int32))
    slope = np.abs(x) + np.abs(y)
    ridge = _ridge(x, y, slope)
    found = _joined(ridge & (slope > low), ridge & (slope > high))
    return np.repeat(np.where(found, 255, 0).astype(np.uint8)[:, :, None], 3, axis=2)


def _steepest(values: Int32[np.ndarray, "height width 3"]) -> tuple[Slopes, Slopes]:
    """Sobel's slopes to the right and down; the picture's edge goes on beyond it."""
    around = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    tall = around[:-2] + 2 * around[1:-1] + around[2:]
    wide = around[:, :-2] + 2 * around[:, 1:-1] + around[:, 2:]
    x, y = tall[:, 2:] - tall[:, :-2], wide[2:] - wide[:-2]
    channel = (np.abs(x) + np.abs(y)).argmax(2)[:, :, None]
    return tuple(np.take_along_axis(one, channel, 2)[:, :, 0] for one in (x, y))  # type: ignore[return-value]


def _ridge(x: Slopes, y: Slopes, slope: Slopes) -> Bool[np.ndarray, "height width"]:
    """Where no neighbour along the slope is steeper; of two equal ones the first counts."""
    around = np.pad(slope, 1)
    height, width = slope.shape

    def beside(down: int, right: int) -> Slopes:
        return around[1 + down : 1 + down + height, 1 + right : 1 + right + width]

    across, up = np.abs(x).astype(np.int64), np.abs(y).astype(np.int64) << 15
    flat, steep = up < across * TANGENT, up > across * (TANGENT + (1 << 16))
    falls = (x ^ y) < 0
    level = (slope > beside(0, -1)) & (slope >= beside(0, 1))
    upright = (slope > beside(-1, 0)) & (slope >= beside(1, 0))
    one = (slope > beside(-1, -1)) & (slope > beside(1, 1))
    other = (slope > beside(-1, 1)) & (slope > beside(1, -1))
    found: Bool[np.ndarray, "height width"] = np.where(
        flat, level, np.where(steep, upright, np.where(falls, other, one))
    )
    return found


def _joined(
    weak: Bool[np.ndarray, "height width"], strong: Bool[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """The groups of touching weak pixels, corners count, that hold a strong one."""
    from scipy import ndimage

    groups, count = ndimage.label(weak, np.ones((3, 3), int))
    kept = np.zeros(count + 1, bool)
    kept[groups[strong]] = True
    kept[0] = False
    found: Bool[np.ndarray, "height width"] = kept[groups]
    return found
