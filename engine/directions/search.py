"""Finds the named sliders of a model with the attribute network alone: vectors and ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Float64

from engine.cancel import CancelToken
from engine.directions.effects import Slider, Sweep, sweep
from engine.directions.named import (
    Directions,
    all_unit_std,
    explained,
    partial_directions,
    refine,
    unit_std,
)
from engine.directions.ranges import Reach, best_slider
from engine.directions.sampling import (
    Generator,
    Traits,
    pictures,
    read_traits,
    sample_w,
    to_ws,
)
from engine.errors import DirectionError
from engine.frame import OnProgress, Progress
from engine.perception.reader import Reader


@dataclass(frozen=True)
class Search:
    """How much a search looks at.

    samples: pictures whose traits are regressed on w. held: a trait is held constant by the
    others' directions when w explains this share of its variance. faces: of the measured
    refinement. steps: how far each of its rounds goes to either side, in standard deviations;
    the last is about what sliders reach. reach: what the sliders' ranges must do.
    """

    samples: int = 8000
    seed: int = 101
    held: float = 0.35
    faces: int = 40
    steps: tuple[float, ...] = (1.5, 2.5)
    reach: Reach = field(default_factory=Reach)


@dataclass(frozen=True)
class Sample:
    """Random w of a model and what was read off their pictures."""

    w: Float32[np.ndarray, "n w_dim"]
    traits: Traits


def draw_sample(
    model: Generator,
    reader: Reader,
    search: Search,
    progress: OnProgress,
    cancel: CancelToken | None,
) -> Sample:
    """Random faces and their traits."""
    w = sample_w(model, search.samples, search.seed)
    parts: list[Traits] = []
    for start in range(0, len(w), 400):
        ws = to_ws(w[start : start + 400], model.info.num_ws)
        parts.append(read_traits(reader, pictures(model, ws, cancel=cancel), cancel))
        progress(Progress("looking at random faces", (start + len(ws)) / len(w)))
    return Sample(w, Traits(parts[0].names, np.concatenate([p.values for p in parts])))


def find_named(
    model: Generator,
    reader: Reader,
    names: Sequence[str],
    sample: Sample,
    search: Search,
    progress: OnProgress,
    cancel: CancelToken | None,
) -> list[Slider]:
    """One slider for each name, in the order of the names.

    Raises DirectionError for a name that the network does not read.
    """
    unknown = [name for name in names if name not in sample.traits.names]
    if unknown:
        raise DirectionError(f"The attribute network does not read {unknown[0]!r}.")
    held = held_traits(sample, names, search.held)
    at = [sample.traits.names.index(name) for name in held]
    directions = all_unit_std(partial_directions(sample.w, sample.traits.values[:, at]), sample.w)
    ws = to_ws(sample_w(model, search.faces, search.seed + 1), model.info.num_ws)
    done = 0

    def measure(candidates: Directions) -> Float64[np.ndarray, "traits traits"]:
        nonlocal done
        step, rows = search.steps[done // len(held)], []
        for name, vector in zip(held, candidates, strict=True):
            found = _swept(model, reader, ws, Slider(name, vector, -1, 1), step, cancel)
            rows.append(found.change[:, at].mean(0) / (2 * step))
            done += 1
            progress(Progress("refining directions", done / (len(held) * len(search.steps))))
        return np.stack(rows).astype(np.float64)

    directions = refine(directions, sample.w, measure, len(search.steps))
    faces = to_ws(sample_w(model, search.reach.faces, search.seed + 2), model.info.num_ws)
    found = []
    for i, name in enumerate(names):
        vector = unit_std(directions[held.index(name)], sample.w).astype(np.float32)
        found.append(best_slider(model, reader, faces, name, vector, names, search.reach, cancel))
        progress(Progress("finding slider ranges", (i + 1) / len(names)))
    return found


def held_traits(sample: Sample, names: Sequence[str], least: float) -> list[str]:
    """The named traits, then every other that a plane in w tells well enough to be held."""
    told = explained(sample.w, sample.traits.values)
    others = [
        name
        for name, share in zip(sample.traits.names, told, strict=True)
        if share >= least and name not in names
    ]
    return [*names, *others]


def _swept(
    model: Generator,
    reader: Reader,
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    slider: Slider,
    step: float,
    cancel: CancelToken | None,
) -> Sweep:
    return sweep(model, reader, ws, slider, (-step, step), cancel=cancel)
