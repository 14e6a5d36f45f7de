"""Finds how a portrait lies in a picture, as a job: what the crop of the window begins with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.frame import OnProgress, Progress
from engine.recipe import Recipe
from engine.services.workroom import workroom
from engine.wishes import Alignment

if TYPE_CHECKING:
    from engine.perception.aligner import Aligner

ALIGNER = "portraits-aligner"


def align(home: Path, picture: Recipe, progress: OnProgress, cancel: CancelToken) -> Alignment:
    """The square in which the portrait lies as those of the data set do in theirs.

    Always answers; `sure` tells whether it can be relied on. Raises ModelError without the network.
    """
    room = workroom(home)
    aligner = _aligner(room.library.bundled / ALIGNER)
    progress(Progress("Looking for the face", 0.0))
    pixels = room.renderer.render(picture).pixels
    cancel.check()
    found = aligner.find(pixels)
    height, width = pixels.shape[:2]
    lie = found.lie
    x, y = min(max(lie.x, 0.0), float(width)), min(max(lie.y, 0.0), float(height))
    return Alignment(x, y, lie.side, -lie.degrees, found.spread, found.sure)


@lru_cache(maxsize=2)
def _aligner(folder: Path) -> Aligner:
    from engine.perception.aligner import open_aligner

    if not folder.is_dir():
        raise ModelError(
            "The network that finds faces is missing here.",
            f"Install the program again, or run: python main.py train {ALIGNER}",
        )
    return open_aligner(folder)
