"""The canonical frame: every picture, of any size and shape, as 256 x 256 luminance."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter

SIDE = 256  # px of the canonical frame
TILE = 64  # px of the tile that repeats over it
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
FINE = 2.5  # px: structure coarser than this does not count as texture
AROUND = 2.5  # px: over what texture is averaged
FLOOR = (
    1.0  # grey levels that count as texture everywhere, else noise in flat parts would be blown up
)
LIMIT = 0.8  # in deviations: an edge may not outvote everything else

Frame = Float32[np.ndarray, "256 256"]


def luminance(pixels: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "height width"]:
    """Luminance of sRGB bytes, 0 to 255."""
    return np.asarray(pixels.astype(np.float32) @ LUMA)


def resized(
    plane: Float32[np.ndarray, "height width"], width: int, height: int
) -> Float32[np.ndarray, "new_height new_width"]:
    """The plane at another size; smoothed first where it shrinks."""
    picture = Image.fromarray(np.ascontiguousarray(plane, np.float32), mode="F")
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC), np.float32)


def texture(frame: Frame) -> tuple[Frame, Frame]:
    """Fine structure of a frame, and its local strength in grey levels (at least FLOOR)."""
    fine = frame - gaussian_filter(frame, FINE)
    strength = np.sqrt(gaussian_filter(fine * fine, AROUND)) + FLOOR
    return fine, strength


def flattened(frame: Frame) -> Frame:
    """Fine structure over its local strength: what a correlator should look at.

    A busy part of the picture then speaks no louder than a calm one.
    """
    fine, strength = texture(frame)
    return np.asarray(np.clip(fine / strength, -LIMIT, LIMIT), np.float32)
