"""Where exports go, and under which name."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths

MOST_NAMES = 2000


def free_name(path: Path) -> Path:
    """The path itself, or the next one with a number that is free."""
    stem, number = path.stem, 1
    head, _, tail = stem.rpartition("-")
    if head and tail.isdigit():
        stem, number = head, int(tail)
    found = path
    while found.exists() and number < MOST_NAMES:
        number += 1
        found = path.with_name(f"{stem}-{number}{path.suffix}")
    return found


def pictures_folder() -> str:
    """The user's folder for pictures, else their home."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return place or str(Path.home())
