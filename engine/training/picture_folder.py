"""A folder of the user's pictures as training data: cut square and made small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.errors import ImageError, TrainingError
from engine.image.codec import read_picture
from engine.image.pixels import crop, resize

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".bmp", ".gif"))
LEAST = 16  # pictures; fewer are no data set
MOST = 50_000
LONGEST = 4.0  # side to side; longer strips hold nothing square

Skipped = tuple[tuple[str, str], ...]


def pictures_of(
    folder: Path,
    size: int,
    cancel: CancelToken,
    on_read: Callable[[int, int], None] = lambda done, count: None,
) -> tuple[UInt8[np.ndarray, "n 3 size size"], Skipped]:
    """Every sound picture in a folder and below it, in the order of their names, and what was
    skipped with the reason. Raises TrainingError when fewer than 16 are left, or Cancelled."""
    try:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    except OSError as error:
        raise TrainingError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    kept: list[np.ndarray] = []
    skipped: list[tuple[str, str]] = []
    for done, path in enumerate(paths[:MOST]):
        cancel.check()
        try:
            kept.append(small_square(read_picture(path), size))
        except ImageError as error:
            skipped.append((str(path.relative_to(folder)), error.what))
        if done % 50 == 0:
            on_read(done, len(paths))
    skipped += [(str(p.relative_to(folder)), "More than are taken.") for p in paths[MOST:]]
    if len(kept) < LEAST:
        raise TrainingError(
            f"{folder.name} holds {len(kept)} pictures that can be used, of {len(paths)}; "
            f"{LEAST} are needed.",
            "Choose a folder with more pictures, or a smaller size.",
        )
    return np.stack(kept), tuple(skipped)


def small_square(
    pixels: UInt8[np.ndarray, "height width 3"], size: int
) -> UInt8[np.ndarray, "3 size size"]:
    """The middle square at `size` px. Raises ImageError for a picture smaller than that, or one
    more than four times as long as wide."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    if side < size:
        raise ImageError(f"It has {width} x {height} px, smaller than {size} px.")
    if max(height, width) > LONGEST * side:
        raise ImageError(f"It has {width} x {height} px, too long for a square.")
    left, top = (width - side) // 2, (height - side) // 2
    square = resize(crop(pixels, left, top, side, side), size, size)
    return np.ascontiguousarray(square.transpose(2, 0, 1))
