"""Finds directions of a model and writes them into its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.cancel import CancelToken
from engine.directions.effects import Slider
from engine.directions.ganspace import principal_directions
from engine.directions.library import read_directions, vector_of, write_directions
from engine.directions.sampling import sample_w
from engine.directions.search import Search, draw_sample, find_named
from engine.errors import DirectionError
from engine.frame import DirectionInfo, OnProgress
from engine.models.bundled import bundled_folder
from engine.perception.reader import open_reader

if TYPE_CHECKING:
    from engine.models.opened import Model

READER = "portraits-attributes"
METHODS = ("named", "ganspace")
COMPONENTS = 8
COMPONENT_RANGE = 3.0
PRINCIPAL_SAMPLES = 20_000
Found = list[tuple[DirectionInfo, np.ndarray]]


def find_directions(
    model: Model,
    method: str,
    progress: OnProgress,
    cancel: CancelToken,
    readers: Path | None = None,
    search: Search | None = None,
) -> tuple[DirectionInfo, ...]:
    """Find the directions of one method and write them beside those of the others.

    "named": one slider for each named attribute of Portraits, and the principal directions where
    the model has none yet. "ganspace": the principal directions. Named ones always come first.
    readers: the folder that holds the attribute network's, the bundled one when None.
    Raises DirectionError for a method that there is not, or that does not suit the model.
    """
    if method not in METHODS:
        raise DirectionError(
            f"There is no method {method!r} to find directions.", f"Use {' or '.join(METHODS)}."
        )
    folder = model.info.folder
    kept = [(d, vector_of(folder, d)) for d in read_directions(folder) if d.method != method]
    kept = [(info, vector) for info, vector in kept if info.model_sha256 == model.info.sha256]
    if method == "named":
        named = _named(model, progress, cancel, readers or bundled_folder(), search or Search())
        principal = kept or _principal(model)
    else:
        named, principal = kept, _principal(model)
    write_directions(folder, [*named, *principal])
    return read_directions(folder)


def _named(
    model: Model, progress: OnProgress, cancel: CancelToken, readers: Path, search: Search
) -> Found:
    from engine.portraits.attributes import ATTRIBUTES, COLUMN, NAMED

    data = model.info.card.get("data")
    if not isinstance(data, dict) or data.get("set") != "portraits":
        raise DirectionError(
            f"Named directions need a model of portraits; {model.info.name} is none.",
            "Use --method ganspace.",
        )
    reader = open_reader(readers / READER)
    sample = draw_sample(model, reader, search, progress, cancel)
    found = find_named(model, reader, NAMED, sample, search, progress, cancel)
    labels = [ATTRIBUTES[COLUMN[name]].label for name in NAMED]
    return _described(model, "named", found, labels)


def _principal(model: Model) -> Found:
    vectors = principal_directions(sample_w(model, PRINCIPAL_SAMPLES, 5), COMPONENTS)
    span = COMPONENT_RANGE
    found = [Slider(f"pc-{i}", vector, -span, span) for i, vector in enumerate(vectors, 1)]
    return _described(
        model, "ganspace", found, [f"Principal {i}" for i in range(1, 1 + len(found))]
    )


def _described(model: Model, method: str, found: Sequence[Slider], labels: Sequence[str]) -> Found:
    return [
        (
            DirectionInfo(
                name=slider.name,
                label=label,
                sha256="",
                model_sha256=model.info.sha256,
                method=method,
                low=slider.low,
                high=slider.high,
                layers=slider.layers,
            ),
            slider.vector,
        )
        for slider, label in zip(found, labels, strict=True)
    ]
