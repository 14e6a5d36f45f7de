"""Finds the named sliders of a model with the attribute network alone: vectors and ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from engine.cancel import CancelToken
from engine.directions.effects import Slider, Sweep, clearly_moved, sweep
from engine.directions.named import (
    Directions,
    all_unit_std,
    explained,
    partial_directions,
    refine,
    unit_std,
)
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

STRENGTHS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5)


@dataclass(frozen=True)
class Search:
    """How much a search looks at.

    samples: pictures whose traits are regressed on w. held: a trait is held constant by the
    others' directions when w explains this share of its variance. faces, step, rounds: of the
    measured refinement. sure, span: a range is wide enough when this share of the faces clearly
    move and the attribute changes by `span` of its range on average; it is then widened by
    `margin`, for faces that were not looked at.
    """

    samples: int = 8000
    seed: int = 101
    held: float = 0.2
    faces: int = 40
    step: float = 1.5
    rounds: int = 2
    range_faces: int = 100
    sure: float = 0.98
    span: float = 0.6
    margin: float = 1.2


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
        rows = []
        for name, vector in zip(held, candidates, strict=True):
            found = _swept(model, reader, ws, Slider(name, vector, -1, 1), search.step, cancel)
            rows.append(found.change[:, at].mean(0) / (2 * search.step))
            done += 1
            progress(Progress("refining directions", done / (len(held) * search.rounds)))
        return np.stack(rows).astype(np.float64)

    directions = refine(directions, sample.w, measure, search.rounds)
    faces = to_ws(sample_w(model, search.range_faces, search.seed + 2), model.info.num_ws)
    found = []
    for i, name in enumerate(names):
        vector = unit_std(directions[held.index(name)], sample.w).astype(np.float32)
        found.append(with_range(model, reader, faces, name, vector, search, cancel))
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


def with_range(
    model: Generator,
    reader: Reader,
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    name: str,
    vector: Float32[np.ndarray, " w_dim"],
    search: Search,
    cancel: CancelToken | None,
) -> Slider:
    """The narrowest symmetric range in which the attribute surely moves, and a little more."""
    kind = reader.columns.items[reader.columns.index(name)].kind
    for strength in STRENGTHS:
        slider = Slider(name, vector, -strength, strength)
        found = _swept(model, reader, ws, slider, strength, cancel)
        sure = clearly_moved(found, name, kind == "binary").mean()
        span = found.change[:, found.column(name)].mean()
        if sure >= search.sure and span >= search.span:
            break
    wide = round(min(strength * search.margin, STRENGTHS[-1]), 1)
    return Slider(name, vector, -wide, wide)


def _swept(
    model: Generator,
    reader: Reader,
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    slider: Slider,
    step: float,
    cancel: CancelToken | None,
) -> Sweep:
    return sweep(model, reader, ws, slider, (-step, step), cancel=cancel)
