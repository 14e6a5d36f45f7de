"""Measures a ControlNet: do pictures of the bundled model follow edges, or a turned head?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from scipy.ndimage import binary_dilation

from engine.cancel import CancelToken
from engine.controlling import ControlInfo, Edges
from engine.denoising import DenoiserInfo
from engine.diffusion import guidance
from engine.frame import OnProgress
from engine.image.edges import canny
from engine.image.heads import head_pose
from engine.models.diffusion.control import Helper, control_numbers, open_control
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.perception.reader import Reader
from engine.portraits.attributes import COLUMN, sample
from engine.portraits.captions import Row, caption
from engine.services.evaluate_shown import COUNT, COUNT_QUICK, STEPS, Bench
from engine.services.picture_quality import REAL_SEED, drawn_faces
from engine.training.finetuning.control_run import pose_of

SCALE = 2.0  # of guidance toward the caption
# What its answers count, and how far pictures go away from those without, by the name in the card.
WAYS = {"without": (0.0, 1.0), "with": (1.0, 1.0), "with_twice": (2.0, 1.0), "guided": (1.5, 3.0)}
NEAR = 1  # px that an edge may be off

TURNS = ("yaw", "pitch", "tilt")
Pixels = UInt8[np.ndarray, "..."]
Lines = Bool[np.ndarray, "height width"]


def measure_control(
    control: ControlInfo,
    base: DenoiserInfo,
    judge: Reader,
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
) -> dict[str, Any]:
    """How well made pictures follow, in each of WAYS: F1 of edges against those that were given, to
    the pixel and within NEAR, or how far the judge sees the head turned off, in shares of the
    range. Raises ModelError, Cancelled."""
    count = COUNT if full else COUNT_QUICK
    network = LatentDenoiser(base, control_numbers(control))
    assert network.housing is not None
    net = open_control(control, network.housing)
    faces = drawn_faces(base.resolution, count, progress, cancel)
    table = sample(REAL_SEED, np.arange(count))
    posed = control.follows == "pose"
    found: dict[str, list[float]] = {}
    for i, face in enumerate(faces):
        given = head_pose(base.resolution, *pose_of(table[i])) if posed else _edges(face)
        picture = torch.from_numpy(given.astype(np.float32) / 255).permute(2, 0, 1)[None]
        asked = ((_unposed(table[i], i) if posed else caption(table[i], i), 1.0),)
        for name, (scale, away) in WAYS.items():
            which = network.helped(Helper(net, picture, scale)) if scale else network
            bench = Bench(which, judge, progress, cancel)
            bench.tell(control.title, i, count)
            terms = guidance.classifier_free(asked, (), SCALE), guidance.helping(asked, away)
            made = bench.draw(i, asked, terms)
            figures = (
                {"pose_off": _off(judge, made, table[i])} if posed else _agreement(made, given)
            )
            for words, value in figures.items():
                found.setdefault(f"{words}_{name}", []).append(value)
    means = {words: round(float(np.mean(values)), 4) for words, values in found.items()}
    near = {} if posed else {"near_px": NEAR}
    return {"base": base.sha256, "count": count, "steps": STEPS, **near, **means}


def _agreement(made: Pixels, given: Pixels) -> dict[str, float]:
    lines, wanted = _edges(made)[:, :, 0] > 0, given[:, :, 0] > 0
    return {"f1_exact": f1(lines, wanted, 0), "f1": f1(lines, wanted)}


def _edges(face: Pixels) -> Pixels:
    """Of a picture with its channels first, as the window finds them."""
    return canny(np.ascontiguousarray(face.transpose(1, 2, 0)), Edges.low, Edges.high)


def _unposed(row: Row, seed: int) -> str:
    """A caption that tells nothing of the pose."""
    front = row.copy()
    front[[COLUMN[name] for name in TURNS]] = 0.2  # neither frontal nor turned: nothing is said
    return caption(front, seed)


def _off(judge: Reader, made: Pixels, row: Row) -> float:
    """The mean miss of the three angles, in shares of their range."""
    scores = judge.scores(made[None])[0]
    misses = [abs(scores[judge.columns.index(n)] - row[COLUMN[n]]) / 2 for n in TURNS]
    return float(np.mean(misses))


def f1(found: Lines, wanted: Lines, near: int = NEAR) -> float:
    """The harmonic mean of precision and recall of lines that may be `near` px off; 1 where there
    are none on either side."""
    if not found.any() or not wanted.any():
        return float(found.any() == wanted.any())
    around = np.ones((2 * near + 1, 2 * near + 1), bool)
    precision = float((found & binary_dilation(wanted, around)).sum() / found.sum())
    recall = float((wanted & binary_dilation(found, around)).sum() / wanted.sum())
    return 2 * precision * recall / max(precision + recall, 1e-9)
