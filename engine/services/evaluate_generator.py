"""Measures a generator: precision, recall, Frechet distance, and what its sliders do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.directions.library import sliders
from engine.directions.report import table
from engine.directions.sampling import pictures, sample_w, to_ws
from engine.frame import OnProgress, Progress
from engine.perception import imagenet
from engine.perception.reader import open_reader
from engine.services.picture_quality import (
    NEIGHBOURS,
    REAL_SEED,
    Nearness,
)

if TYPE_CHECKING:
    from engine.models.opened import Model

COUNT = 5000
COUNT_QUICK = 1000
MADE_SEED = 7
PSIS = (0.9,)
OF_EACH_CLASS = 100
CLASS_SEED = 8
FACES = 100
FACES_SEED = 9


def measure_generator(
    model: Model, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """Scores of distribution and quality at psi 1, with constant noise; in full, also of the same
    faces truncated: precision for recall, as far as psi goes.

    Raises ModelError where the ImageNet weights are not installed.
    """
    count = COUNT if full else COUNT_QUICK
    near = Nearness(model.info.resolution, count, progress, cancel)

    def measured(psi: float) -> dict[str, float]:
        return near.of(_made(model, count, psi, progress, cancel))

    # A model that normalises z and has no other latent does not know what truncation is.
    one, other = (_made(model, 1, psi, progress, cancel).astype(int) for psi in (1.0, PSIS[0]))
    psis = PSIS if full and np.abs(one - other).max() > 1 else ()
    return {
        **measured(1.0),
        "truncated": {f"{psi:g}": measured(psi) for psi in psis},
        "features": imagenet.NETWORK,
        "neighbours": NEIGHBOURS,
        "real": {"set": "portraits", "seed": REAL_SEED, "count": count},
        "made": {"seed": MADE_SEED, "count": count, "psi": 1.0},
    }


def measure_directions(
    model: Model, judge_folder: Path, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any] | None:
    """The judge's table of the model's sliders on random faces; None where it has no sliders."""
    from engine.portraits.attributes import NAMED

    found = sliders(model.info.folder)
    if not found:
        return None
    judge = open_reader(judge_folder)
    faces = to_ws(sample_w(model, FACES, FACES_SEED), model.info.num_ws)
    scores = table(
        model,
        judge,
        found,
        NAMED,
        faces,
        cancel=cancel,
        seen=lambda done: progress(Progress("judging sliders", done / len(found))),
    )
    return {"seed": FACES_SEED, **scores}


def measure_classes(
    model: Model, judge_folder: Path, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any] | None:
    """How often the judge sees the class that was asked for; None where it knows no such classes.

    The classes are those of `portraits.hair_classes`; each is asked for equally often, at psi 1.
    """
    from engine.portraits.hair_classes import CLASSES, class_of

    if model.info.card.get("classes") != list(CLASSES):
        return None
    progress(Progress("judging classes", None))
    count = len(CLASSES) * OF_EACH_CLASS
    images = pictures(
        model, to_ws(sample_w(model, count, CLASS_SEED), model.info.num_ws), cancel=cancel
    )
    judge = open_reader(judge_folder)
    asked = np.arange(count) % len(CLASSES)
    right = class_of(judge.scores(images, cancel=cancel)) == asked
    each = {name: round(float(right[asked == i].mean()), 4) for i, name in enumerate(CLASSES)}
    return {
        "accuracy": round(float(right.mean()), 4),
        "each": each,
        "pictures": count,
        "seed": CLASS_SEED,
        "judge": judge.sha256,
    }


def _made(
    model: Model, count: int, psi: float, progress: OnProgress, cancel: CancelToken
) -> UInt8[np.ndarray, "n 3 size size"]:
    w = sample_w(model, count, MADE_SEED)
    if psi != 1.0:
        w = (model.w_avg + psi * (w - model.w_avg)).astype(np.float32)
    ws = to_ws(w, model.info.num_ws)
    return pictures(
        model, ws, cancel=cancel, seen=lambda n: progress(Progress("making faces", n / count))
    )
