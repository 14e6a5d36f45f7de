"""Measures the diffusion models on Portraits: what the judge sees of the classes asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.cancel import CancelToken
from engine.denoising import DenoiserInfo
from engine.diffusion import guidance
from engine.errors import ModelError
from engine.frame import OnProgress, Progress
from engine.guides import ClassifierInfo
from engine.models.diffusion.open_denoiser import open_classifier
from engine.models.library import ModelLibrary
from engine.perception.reader import open_reader
from engine.portraits.classes import NO_CLASS, bits_of_class, class_of
from engine.recipe import ModelRef
from engine.services.check_denoise import clip_of
from engine.services.clips import opened_clip
from engine.services.diffusion_trials import (
    SATURATED_SCALE,
    STEPS,
    Trials,
    enlarged,
    saturation,
)
from engine.services.evaluate_text_guidance import text_guidance
from engine.services.noisy_portraits import REAL_SEED, at_levels, drawn
from engine.services.picture_quality import NEARNESS, Nearness

SAMPLES, SAMPLES_QUICK = 504, 64  # as many of each of the eight classes
SCALES, SCALES_QUICK = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0), (1.0, 2.0, 3.0, 6.0)
CLASSIFIER_SCALE = 8.0
CLEARED_SCALES = 1.0, 3.0  # beside perturbed attention
CASCADE_SCALE = 1.0
DRAWN, DRAWN_QUICK = 5000, 500


def measure_denoiser(
    info: DenoiserInfo,
    library: ModelLibrary,
    judge_folder: Path,
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
) -> dict[str, Any]:
    """Classes by the judge over guidance scales, or captions where the model reads texts; what
    classifier guidance adds, saturation.

    Of an upsampler: see `measure_cascade`. library: where the noise-aware classifiers and CLIPs are
    that guide, and the base of a cascade. Raises ModelError for a model that takes no wish.
    """
    if info.upsamples:
        return measure_cascade(info, library, full, progress, cancel)
    if not (info.classes or info.reads):
        raise ModelError(f"Nothing is measured of {info.name}: it cannot be asked for anything.")
    samples = SAMPLES if full else SAMPLES_QUICK
    read = opened_clip(library.clip_of(clip_of(info))).read_texts if info.clip else None
    trials = Trials(info, open_reader(judge_folder), samples, cancel, read)
    scores: dict[str, Any] = {"samples": trials.each * len(trials.asked), "steps": STEPS}
    told = _telling(progress, len(SCALES) + len(CLEARED_SCALES) + 6)
    curve, plain = {}, trials.unguided()
    next(told)
    near = Nearness(info.resolution, DRAWN if full else DRAWN_QUICK, progress, cancel)
    for scale in SCALES if full else SCALES_QUICK:
        made = trials.faces(scale)
        curve[f"{scale:g}"] = {**vars(trials.judged(made)), **near.of(made)}
        next(told)
    scores["classifier_free"] = curve
    cleared = {}
    for scale in CLEARED_SCALES if info.usual_pag else ():
        made = trials.faces(scale, info.usual_pag)
        cleared[f"{scale:g}"] = {**vars(trials.judged(made)), **near.of(made)}
        next(told)
    if cleared:
        scores["perturbed_attention"] = {"scale": info.usual_pag, "classifier_free": cleared}
    guide = next((g for g in library.classifiers() if g.resolution == info.resolution), None)
    if guide is not None:
        net = open_classifier(guide)
        pulled = trials.guided(
            lambda label: [
                guidance.classifier(guide.name, net.log_probabilities, label, CLASSIFIER_SCALE)
            ]
        )
        next(told)
        scores["classifier"] = {
            "guide": guide.sha256,
            "scale": CLASSIFIER_SCALE,
            "right": pulled.right,
            "unguided_right": plain.right,
        }
    eyes = next((e for e in library.noisy_clips() if e.resolution == info.resolution), None)
    if eyes is not None:
        clip = library.clip_of(ModelRef("clip", eyes.clip))
        scores["clip"] = {**text_guidance(trials, clip, eyes), "unguided_right": plain.right}
        next(told)
    if trials.network.bounded:  # codes are not held in a range
        small = (drawn(2048, info.resolution)[0] * 127.5 + 127.5).round().to(torch.uint8).numpy()
        saturated = {"drawn": round(saturation(small), 5)}
        for mode in ("none", "static", "dynamic"):
            saturated[mode] = round(trials.saturation(mode), 5)
            next(told)
        scores["saturation"] = {"scale": SATURATED_SCALE, **saturated}
    found = [(scale, 0.0, curve[scale]) for scale in curve]
    found += [(scale, info.usual_pag, cleared[scale]) for scale in cleared]
    at, pag, best = max(found, key=lambda one: one[2]["precision"])
    near_best = {name: best[name] for name in NEARNESS}
    scores["quality"] = {"scale": float(at), "pag": pag, "drawn": near.count, **near_best}
    return scores


def measure_cascade(
    info: DenoiserInfo, library: ModelLibrary, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """Faces of the bundled base of half the size, enlarged, beside drawn ones.

    Raises ModelError where there is no such base.
    """
    half = info.resolution // 2
    base = next(
        (one for one in library.denoisers() if one.classes and one.resolution == half), None
    )
    if base is None:
        raise ModelError(
            f"There is no model of classes at {half} px whose pictures {info.name} could enlarge."
        )
    trials = Trials(base, None, SAMPLES if full else SAMPLES_QUICK, cancel)
    near = Nearness(info.resolution, DRAWN if full else DRAWN_QUICK, progress, cancel)

    def measured(pag: float) -> dict[str, float]:
        return near.of(enlarged(info, trials.faces(CASCADE_SCALE, pag), cancel))

    scores = {"base": base.sha256, "scale": CASCADE_SCALE, "pag": base.usual_pag}
    counts = {"count": trials.each * len(trials.asked), "drawn": near.count}
    without = {"without_pag": measured(0.0)} if base.usual_pag else {}
    return {**scores, **counts, **measured(base.usual_pag), **without}


def measure_classifier(
    info: ClassifierInfo, schedule: Any, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """The share of right answers on drawn pictures that it never saw, by timestep of their noise.

    schedule: of the diffusion model that it guides; see diffusion.schedule.Schedule.
    """
    x0, table = drawn(2000 if full else 400, info.resolution)
    labels = class_of(table)
    clear = np.flatnonzero(labels != NO_CLASS)
    wanted = torch.from_numpy(np.stack([bits_of_class(int(k)) for k in labels[clear]]))
    net, right = open_classifier(info), {}
    for t, x in at_levels(x0[clear], schedule, progress, cancel):
        with torch.inference_mode():
            answers = net(x, torch.full((len(x),), float(t))) > 0
        right[str(t)] = round(float((answers == wanted.bool()).float().mean()), 4)
    return {
        "answers_right_at_timestep": right,
        "real": {"set": "portraits", "seed": REAL_SEED, "count": len(clear)},
    }


def _telling(progress: OnProgress, steps: int) -> Iterator[None]:
    for done in range(1, steps + 100):
        progress(Progress("pictures for the judge", min(1.0, done / steps)))
        yield
