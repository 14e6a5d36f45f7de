"""Which files of a folder are to be verified."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import ImageError
from engine.image.formats import SUFFIXES

MOST = 5000


def pictures_in(folder: Path) -> tuple[Path, ...]:
    """The picture files in a folder and below it, by their names; links are not followed.

    Raises ImageError where there are none, or more than MOST.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        found += [Path(place) / name for name in sorted(names) if _is_picture(name)]
        if len(found) > MOST:
            raise ImageError(
                f"There are more than {MOST} pictures in {folder}.", "Choose a smaller folder."
            )
    if not found:
        raise ImageError(
            f"There are no pictures in {folder}.",
            "Choose a folder with PNG, JPEG, WebP, TIFF or AVIF files.",
        )
    return tuple(found)


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
