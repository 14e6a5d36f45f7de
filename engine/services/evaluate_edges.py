"""Measures a ControlNet for edges: do pictures of the bundled model follow those of portraits?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from scipy.ndimage import binary_dilation

from engine.cancel import CancelToken
from engine.controlling import ControlInfo, Edges
from engine.denoising import DenoiserInfo
from engine.diffusion import guidance
from engine.frame import OnProgress
from engine.image.edges import canny
from engine.models.diffusion.control import Helper, control_numbers, open_control
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.perception.reader import Reader
from engine.portraits.attributes import sample
from engine.portraits.captions import caption
from engine.services.evaluate_shown import COUNT, COUNT_QUICK, STEPS, Bench
from engine.services.picture_quality import REAL_SEED, drawn_faces

SCALE = 2.0  # of guidance toward the caption
NEAR = 1  # px that an edge may be off

Lines = Bool[np.ndarray, "height width"]


def measure_edges(
    control: ControlInfo,
    base: DenoiserInfo,
    judge: Reader,
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
) -> dict[str, Any]:
    """F1 of the edges of made pictures against those that were given, with the ControlNet and
    without. Raises ModelError, Cancelled."""
    count = COUNT if full else COUNT_QUICK
    network = LatentDenoiser(base, control_numbers(control))
    assert network.housing is not None
    net = open_control(control, network.housing)
    faces = drawn_faces(base.resolution, count, progress, cancel)
    table = sample(REAL_SEED, np.arange(count))
    found: dict[str, list[float]] = {"with": [], "without": []}
    for i, face in enumerate(faces):
        given = canny(np.ascontiguousarray(face.transpose(1, 2, 0)), Edges.low, Edges.high)
        picture = torch.from_numpy(given.astype(np.float32) / 255).permute(2, 0, 1)[None]
        helped = network.helped(Helper(net, picture, 1.0))
        asked = ((caption(table[i], i), 1.0),)
        for name, which in (("with", helped), ("without", network)):
            bench = Bench(which, judge, progress, cancel)
            bench.tell("edges", i, count)
            made = bench.draw(i, asked, [guidance.classifier_free(asked, (), SCALE)])
            lines = canny(np.ascontiguousarray(made.transpose(1, 2, 0)), Edges.low, Edges.high)
            found[name].append(f1(lines[:, :, 0] > 0, given[:, :, 0] > 0))
    return {
        "base": base.sha256, "count": count, "steps": STEPS, "near_px": NEAR,
        **{f"f1_{name}": round(float(np.mean(values)), 4) for name, values in found.items()},
    }  # fmt: skip


def f1(found: Lines, wanted: Lines) -> float:
    """The harmonic mean of precision and recall of lines that may be NEAR px off; 1 where there
    are none on either side."""
    if not found.any() or not wanted.any():
        return float(found.any() == wanted.any())
    around = np.ones((2 * NEAR + 1, 2 * NEAR + 1), bool)
    precision = float((found & binary_dilation(wanted, around)).sum() / found.sum())
    recall = float((wanted & binary_dilation(found, around)).sum() / wanted.sum())
    return 2 * precision * recall / max(precision + recall, 1e-9)
