"""Measures how a film moves, and re-times it to a constant perceptual pace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path as File

import numpy as np

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress, RenderSettings
from engine.latent.pace import constant_pace, path_length, unevenness
from engine.latent.tween import at
from engine.path import Path
from engine.services.workroom import workroom

ROUNDS = 3  # of looking at what was re-timed, and re-timing it again


@dataclass(frozen=True)
class Pace:
    """length: of the film, in the units of editing.perceptual. unevenness: deviation over mean of
    its steps before and after. path: the film re-timed."""

    length: float
    unevenness: float
    after: float
    path: Path


def even_out(
    home: File, path: Path, progress: OnProgress, cancel: CancelToken, samples: int = 64
) -> Pace:
    """Re-time a film so that equal times look equally far. samples: pictures that are compared."""
    from engine.editing.perceptual import steps_between

    room = workroom(home)

    def steps(of: Path, low: float, high: float) -> list[float]:
        shown = []
        for i in range(samples):
            cancel.check()
            recipe = at(of, i / (samples - 1))
            shown.append(room.renderer.render(recipe, RenderSettings(), cancel).pixels)
            progress(Progress("looking along the film", low + (high - low) * i / samples))
        return steps_between(np.stack(shown))

    made = replace(path, warp=())
    before = now = steps(made, 0.0, 1 / (ROUNDS + 1))
    best = unevenness(before), made
    for turn in range(1, ROUNDS + 1):
        warp = constant_pace(now, places=made.warp)
        made = replace(made, warp=tuple(float(x) for x in warp))
        now = steps(made, turn / (ROUNDS + 1), (turn + 1) / (ROUNDS + 1))
        if unevenness(now) < best[0]:
            best = unevenness(now), made
    return Pace(path_length(before), unevenness(before), *best)
