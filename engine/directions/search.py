"""Finds the named sliders of a model with the attribute network alone: vectors and ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

from engine.cancel import CancelToken
from engine.directions.effects import Slider
from engine.directions.named import partial_directions, readable, unit_std
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

    samples: random faces that the directions are learnt from. reach: what the sliders' ranges
    must do.
    """

    samples: int = 8000
    seed: int = 101
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
    traits = sample.traits
    held = readable(sample.w, traits.values) | np.isin(traits.names, names)
    known = [name for name, kept in zip(traits.names, held, strict=True) if kept]
    directions = partial_directions(sample.w, traits.values[:, held])
    faces = to_ws(sample_w(model, search.reach.faces, search.seed + 2), model.info.num_ws)
    found = []
    for i, name in enumerate(names):
        vector = unit_std(directions[known.index(name)], sample.w).astype(np.float32)
        found.append(best_slider(model, reader, faces, name, vector, names, search.reach, cancel))
        progress(Progress("finding slider ranges", (i + 1) / len(names)))
    return found
