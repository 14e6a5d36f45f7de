"""Measures the lab's experiments over many seeds: do they show what they say?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.cancel import CancelToken
from engine.course import Course, Preset
from engine.frame import OnProgress, Progress
from engine.models.bundled import bundled_folder

SEEDS_FULL, SEEDS_QUICK = 10, 2
SAMPLES = 2500
COLLAPSED = 3  # modes of 8 that a collapse covers at most
CARD = bundled_folder().parent / "labs.json"


@dataclass(frozen=True)
class Outcome:
    """One run at its end. covered of the data's modes; good: share of samples within three
    deviations of one. swing: deviation of the generator's loss over the last third. slope: median
    length of the generator's gradient there. error: of a denoiser, from the exact noise."""

    covered: int
    modes: int
    good: float
    swing: float
    slope: float
    error: float


def measure_labs(
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
    keys: Sequence[str] = (),
    out: Path | None = CARD,
) -> dict[str, Any]:
    """Run every experiment and sum up; written to `out` as JSON.

    full: ten seeds, else two. keys: of the experiments, all when empty; the card then keeps what it
    says of the others.
    """
    from engine.training.presets import PRESETS

    chosen = [preset for preset in PRESETS if not keys or preset.key in keys]
    seeds = SEEDS_FULL if full else SEEDS_QUICK
    found: dict[str, list[Outcome]] = {preset.key: [] for preset in chosen}
    total = seeds * sum(preset.spec.steps for preset in chosen)
    done = 0
    for preset in chosen:
        for seed in range(seeds):
            progress(Progress(f"{preset.title}, seed {seed}", done / total))
            found[preset.key].append(run(preset, seed, cancel))
            done += preset.spec.steps
    form = "--full" if full else "--quick"
    scores = {key: summary(outcomes) for key, outcomes in found.items()}
    if keys and out is not None and out.is_file():
        kept = json.loads(out.read_text(encoding="utf-8"))
        if kept.get("seeds") == seeds:
            known = {**kept["scores"], **scores}
            scores = {preset.key: known[preset.key] for preset in PRESETS if preset.key in known}
    card = {
        "command": f"python main.py evaluate labs {form}",
        "seeds": seeds,
        "samples": SAMPLES,
        "scores": scores,
    }
    if out is not None:
        out.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def run(preset: Preset, seed: int, cancel: CancelToken) -> Outcome:
    """One experiment with one seed, to the end of its spec."""
    import torch

    from engine.training.lane import Lane

    torch.set_num_threads(1)
    lane = Lane(Course(replace(preset.spec, seed=seed)))
    while lane.step < preset.spec.steps and not lane.problem:
        lane.advance()
        if lane.step % 100 == 0:
            cancel.check()
    score = lane.run.plane.score(lane.run.made(SAMPLES))
    curves = lane.curves()
    late = curves.steps > lane.step * 2 / 3
    return Outcome(
        score.covered,
        score.modes,
        score.good,
        float(np.std(curves.loss_g[late])),
        float(np.median(curves.slope[late])),
        float(np.median(curves.loss_g[late])),
    )


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Least, most and middle over the seeds."""
    covered = [one.covered for one in outcomes]
    return {
        "modes": outcomes[0].modes,
        "covered": covered,
        "covered_least": min(covered),
        "covered_most": max(covered),
        "good": _middle([one.good for one in outcomes]),
        "swing": _middle([one.swing for one in outcomes]),
        "gradient": _middle([one.slope for one in outcomes]),
        "loss_g": _middle([one.error for one in outcomes]),
    }


def _middle(values: Sequence[float]) -> float:
    return float(f"{np.median(values):.4g}")
