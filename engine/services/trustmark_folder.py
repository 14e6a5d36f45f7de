"""Where TrustMark's networks lie. Imports nothing that computes: the window asks as it starts."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = "trustmark"
VARIABLE = "LATENT_ATELIER_TRUSTMARK"
LETTERS = ("Q", "P", "B", "C")
"""The published variants, the usual one first."""


def folder_of(home: Path) -> Path:
    """The folder that LATENT_ATELIER_TRUSTMARK names, else `trustmark` in the data folder."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else home / FOLDER


def paths_of(folder: Path, letter: str) -> tuple[Path, Path]:
    """Where encoder and decoder of a variant lie, by their published names."""
    return folder / f"encoder_{letter}.onnx", folder / f"decoder_{letter}.onnx"


def letters_in(folder: Path) -> tuple[str, ...]:
    """The variants of which both files are there; they are not looked into."""
    return tuple(one for one in LETTERS if all(path.is_file() for path in paths_of(folder, one)))
