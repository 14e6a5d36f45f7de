"""A process that exports over and over, to be killed at any moment. Says what it acknowledged."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.frame import ExportOptions
from engine.image.codec import encode
from engine.provenance.ledger import Ledger
from engine.recipe import Photo
from engine.services.export import Exporter
from tests.drawn import SIDE, frame, generated, identity_in, pixels_of

SUFFIXES = ("png", "jpg", "webp", "tiff", "avif")


def exporter_in(home: Path) -> Exporter:
    """An exporter of the small drawn pictures."""
    return Exporter(
        render=frame,
        identity=identity_in(home),
        ledger=Ledger(home / "ledger.sqlite3"),
        photo=lambda sha256: encode(pixels_of(Photo(sha256)), "png"),
        resolution=lambda ref: SIDE,
    )


def main(home: Path, folder: Path) -> None:
    """Export without end into five files; a line for each export that was acknowledged."""
    exporter = exporter_in(home)
    exporter.ledger.reconcile()
    number = 0
    os.write(1, b"ready\n")
    while True:
        path = folder / f"x{number % 7}.{SUFFIXES[number % 5]}"
        receipt = exporter.export(generated(number % 50), path, ExportOptions(size_px=None))
        os.write(1, f"{receipt.ledger_id} {receipt.sha256} {path.name}\n".encode())
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
