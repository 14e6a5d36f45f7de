"""Directions come and go as files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.cancel import CancelToken
from engine.directions.direction_file import (
    SUFFIX,
    DirectionFile,
    check_fits,
    for_model,
    read_direction,
    write_direction,
)
from engine.directions.effects import Slider
from engine.directions.library import read_directions, vector_of, write_directions
from engine.directions.measure import draw_faces
from engine.directions.published import read_published
from engine.errors import DirectionError
from engine.frame import DirectionInfo, ModelInfo, OnProgress
from engine.recipe import Generate, ModelRef, Move, Recipe, Seed, Truncate
from engine.services.find import keep, measured
from engine.services.find_search import Search
from engine.services.models import directions_of
from engine.services.workroom import Workroom, workroom
from engine.wishes import DirectionWish

EXAMPLES = (1, 2, 3)
SPREAD = 4000


def export_direction(home: Path, model: str, name: str, path: Path) -> Path:
    """Write one of a model's directions to a file; returns its path. Raises DirectionError."""
    room = workroom(home)
    info = room.library.find(model)
    found = next((d for d in directions_of(room.library, info) if d.name == name), None)
    if found is None:
        raise DirectionError(f"{model} has no direction {name[:60]!r}.", "See: find-directions.")
    if path.suffix != SUFFIX:
        path = path.with_name(path.name + SUFFIX)
    vector = room.store.get_array(found.sha256)
    write_direction(path, found, vector, info, _examples(found, info))
    return path


def import_direction(
    home: Path,
    model: str,
    path: Path,
    progress: OnProgress,
    cancel: CancelToken,
    anyway: bool = False,
) -> tuple[DirectionInfo, ...]:
    """Keep the directions of a file, of this program's own kind or as others publish them.

    anyway: takes one that was found on other weights, where its size fits. Raises DirectionError.
    """
    room = workroom(home)
    info = room.library.find(model)
    if path.suffix.lower() == SUFFIX:
        found = read_direction(path)
        known = for_model(found, info, anyway)
        sliders = [_slider(known, found)]
        method = known.method
    else:
        sliders = read_published(path, lambda space, unit: _deviation(room, info, space, unit))
        method = "ganspace" if path.suffix.lower() in (".npz", ".pkl") else "boundary"
    for slider in sliders:
        fitted = DirectionFile(_bare(slider), slider.vector, {})
        check_fits(fitted, info, _style_dim(room, info) if slider.space == "s" else None)
    search = Search(room, info, DirectionWish(method), progress, cancel)
    return keep(room, info, method, measured(search, sliders))


def remove_direction(home: Path, model: str, name: str) -> None:
    """Forget a direction that the user found. Raises DirectionError for one that is shipped."""
    room = workroom(home)
    folder = room.folder_of(room.library.find(model))
    kept = read_directions(folder)
    if name not in [item.name for item in kept]:
        raise DirectionError(f"{name[:60]!r} came with the model and stays.", "")
    write_directions(folder, [(d, vector_of(folder, d)) for d in kept if d.name != name])
    room.refresh()


def rename_direction(home: Path, model: str, name: str, label: str) -> None:
    """Give a direction that the user found another label."""
    room = workroom(home)
    folder = room.folder_of(room.library.find(model))
    words = label.strip()[:80]
    if not words:
        raise DirectionError("A direction needs a name, got none.", "Type a name.")
    found = [
        (replace(d, label=words) if d.name == name else d, vector_of(folder, d))
        for d in read_directions(folder)
    ]
    write_directions(folder, found)


def _slider(known: DirectionInfo, found: DirectionFile) -> Slider:
    return Slider(
        known.name, found.vector, known.low, known.high, known.layers, known.space, known.note
    )


def _bare(slider: Slider) -> DirectionInfo:
    return DirectionInfo(
        slider.name, slider.name, "", "", "", slider.low, slider.high, slider.layers, {},
        slider.space,
    )  # fmt: skip


def _deviation(
    room: Workroom, info: ModelInfo, space: str, unit: Float[np.ndarray, " dim"]
) -> float:
    """The deviation of z (one) or of a model's w along a unit vector."""
    dim = info.z_dim if space == "z" else info.w_dim
    if len(unit) != dim:
        raise DirectionError(
            f"This direction is for {space} of {len(unit)} values, but {info.name} makes {dim}.",
            "Choose a direction found on this model.",
        )
    if space == "z":
        return 1.0
    w = draw_faces(room.model(info), SPREAD, 5).ws[:, 0]
    return float((w.astype(np.float64) @ unit).std())


def _style_dim(room: Workroom, info: ModelInfo) -> int:
    model = room.model(info, "torch")
    return int(model.styles(draw_faces(model, 1, 0).ws).shape[1])


def _examples(found: DirectionInfo, info: ModelInfo) -> list[Recipe]:
    """A few seeds at the slider's high end."""
    ref, out = ModelRef(info.name, info.sha256), []
    for seed in EXAMPLES:
        if found.space == "z":
            moved = Move(Seed(seed), found.sha256, found.high, None, "z")
            out.append(Recipe(Generate(ref, Truncate(moved, 0.7))))
            continue
        base = Truncate(Seed(seed), 0.7)
        latent = Move(base, found.sha256, found.high, found.layers, found.space)
        out.append(Recipe(Generate(ref, latent)))
    return out
