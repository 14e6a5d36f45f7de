"""Finds directions by the methods that the user chooses, and keeps them in the data folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from engine.cancel import CancelToken
from engine.directions import boundary, labels, sefa
from engine.directions.activations import carried_back, early_activations
from engine.directions.effects import Slider
from engine.directions.library import read_directions, vector_of, write_directions
from engine.directions.measure import draw_faces, scores
from engine.directions.named import unit_std
from engine.directions.sampling import sample_w
from engine.errors import DirectionError
from engine.frame import DirectionInfo, ModelInfo, OnProgress, Progress
from engine.latent.evaluate import evaluate
from engine.models.library import load_tensors
from engine.models.opened import Model
from engine.recipe import Generate, Image, Resize
from engine.services.find_search import SEED, Search, trait, traits_of
from engine.services.find_styles import find_channels
from engine.services.find_text import find_text
from engine.services.workroom import Workroom, workroom
from engine.wishes import DirectionWish, Labelled

SPREAD = 4000  # random w that tell how long one standard deviation is
FACES = 24  # that the table of effects is averaged over
RANGE = 3.0
LABELS = (
    (r"sefa-(\d+)", r"SeFa \1"),
    (r"sefa-l(\d+)-(\d+)-(\d+)", r"SeFa \3, layers \1 to \2"),
    (r"act-(\d+)", r"Early \1"),
    (r"style-(\d+)-place", r"Style \1, one place"),
    (r"style-(\d+)-(.+)", r"Style \1, \2"),
    (r"(.+)-boundary-(\w)", r"\1, boundary in \2"),
    (r"(.+)-boundary-(\w)-held", r"\1 alone, in \2"),
    (r"a-b-(\d+)", r"A − B, \1"),
)


def find(
    home: Path,
    model: str,
    wish: DirectionWish,
    progress: OnProgress,
    cancel: CancelToken,
) -> tuple[DirectionInfo, ...]:
    """Find directions, measure what they move, and keep them; returns what was found.

    Raises DirectionError, ModelError, Cancelled; then nothing is kept.
    """
    room = workroom(home)
    if wish.method not in METHODS:
        raise DirectionError(
            f"There is no method {wish.method!r} to find directions.",
            f"Use {', '.join(METHODS)}, named or ganspace.",
        )
    search = Search(room, room.library.find(model), wish, progress, cancel)
    found = METHODS[wish.method](search)
    return keep(room, search.info, wish.method, measured(search, found))


def measured(search: Search, found: Sequence[Slider]) -> list[tuple[Slider, dict[str, float]]]:
    """Each slider with its row of the table of effects; empty where nothing reads pictures."""
    reader = search.room.reader(search.info)
    if reader is None:
        return [(slider, {}) for slider in found]
    from engine.portraits.attributes import NAMED

    rows = []
    for done, slider in enumerate(found, 1):
        styles = slider.space == "s"
        model = search.room.model(search.info, "torch") if styles else search.model
        faces = draw_faces(model, FACES, SEED + 1)
        rows.append((slider, scores(model, reader, faces, slider, NAMED, search.cancel)))
        search.progress(Progress("measuring what each one moves", done / len(found)))
    return rows


def keep(
    room: Workroom,
    info: ModelInfo,
    method: str,
    found: Sequence[tuple[Slider, dict[str, float]]],
) -> tuple[DirectionInfo, ...]:
    """Write directions beside the user's others; those of the same names are replaced."""
    folder = room.folder_of(info)
    folder.mkdir(parents=True, exist_ok=True)
    names = {slider.name for slider, _ in found}
    old = [
        (item, vector_of(folder, item))
        for item in read_directions(folder)
        if item.name not in names
    ]
    new = [
        (
            DirectionInfo(
                slider.name, label_of(slider.name), "", info.sha256, method, slider.low,
                slider.high, slider.layers, row, slider.space, slider.note,
            ),
            slider.vector,
        )
        for slider, row in found
    ]  # fmt: skip
    write_directions(folder, [*old, *new])
    room.refresh()
    return tuple(item for item in read_directions(folder) if item.name in names)


def label_of(name: str) -> str:
    """A name in words: "sefa-l0-3-2" is "SeFa 2, layers 0 to 3"."""
    for pattern, made in LABELS:
        if (found := re.fullmatch(pattern, name)) is not None:
            words = found.expand(made)
            return words[0].upper() + words[1:]
    words = name.replace("-", " ").replace("_", " ").strip() or "Direction"
    return words[0].upper() + words[1:]


def _sefa(search: Search) -> list[Slider]:
    wish, info = search.wish, search.info
    weights = sefa.style_weights(load_tensors(info), wish.layers, info.w_dim, info.num_ws)
    search.progress(Progress("factorising the weights", 0.2))
    w = sample_w(search.model, SPREAD, SEED)
    name = "sefa" if wish.layers is None else f"sefa-l{wish.layers[0]}-{wish.layers[-1]}"
    layers = None if info.num_ws == 1 else wish.layers
    note = "closed-form factorisation of the weights"
    return [
        Slider(f"{name}-{i}", unit_std(v, w).astype(np.float32), -RANGE, RANGE, layers, "w", note)
        for i, v in enumerate(sefa.factorised(weights, wish.count), 1)
    ]


def _activations(search: Search) -> list[Slider]:
    model = search.room.model(search.info, "torch")
    z = np.random.RandomState(SEED).randn(512, search.info.z_dim).astype(np.float32)
    ws = model.map(z)
    search.progress(Progress("looking at early activations", 0.2))

    def run() -> None:
        for start in range(0, len(ws), 16):
            search.cancel.check()
            model.pixels(ws[start : start + 16])

    from engine.backends.torch_backend import TorchBackend

    assert isinstance(model.backend, TorchBackend)
    with model.backend.by_modules():
        seen = early_activations(model.backend.generator, run)
    w = ws[:, 0]
    found = carried_back(w, seen, wish_count(search))
    note = "principal components of early activations"
    return [
        Slider(f"act-{i}", unit_std(v.astype(np.float64), w).astype(np.float32), -RANGE, RANGE,
               None, "w", note)
        for i, v in enumerate(found, 1)
    ]  # fmt: skip


def wish_count(search: Search) -> int:
    """How many directions are wanted, at most as many as w has dimensions."""
    return max(1, min(search.wish.count, search.info.w_dim))


def _boundary(search: Search) -> list[Slider]:
    wish = search.wish
    z, w, traits = traits_of(search, search.model, search.reader())
    x = z if wish.space == "z" else w
    own = boundary.fit_boundary(x, trait(traits, wish.attribute))
    others = [boundary.fit_boundary(x, trait(traits, name)).normal for name in wish.hold]
    normal = boundary.conditional(own.normal, np.reshape(others, (len(others), x.shape[1])))
    vector = unit_std(normal, x).astype(np.float32)
    held = "".join(f", {name} held" for name in wish.hold)
    note = f"a boundary right for {own.accuracy:.0%} of held-out pictures{held}"
    name = f"{wish.attribute}-boundary-{wish.space}" + ("-held" if wish.hold else "")
    space = "z" if wish.space == "z" else "w"
    return [Slider(name, vector, -RANGE, RANGE, None, space, note)]  # type: ignore[arg-type]


def _labels(search: Search) -> list[Slider]:
    wish, model = search.wish, search.model
    marked = np.stack([_w_of(search, model, mark) for mark in wish.marks] or [np.zeros(1)])
    more = np.array([mark.more for mark in wish.marks], bool)
    if len(more) > labels.MOST:
        raise DirectionError(f"At most {labels.MOST} pictures are marked, got {len(more)}.")
    learnt = labels.learn(marked, more, sample_w(model, SPREAD, SEED))
    note = f"from {len(more)} marks; right for {learnt.accuracy:.0%} of those left out"
    vector = learnt.direction.astype(np.float32)
    return [Slider(wish.name.strip() or "my direction", vector, -RANGE, RANGE, None, "w", note)]


def _w_of(search: Search, model: Model, mark: Labelled) -> Float32[np.ndarray, " w_dim"]:
    """The mean w of a marked picture. Raises DirectionError for one of another model."""
    image: Image = mark.recipe.image
    while isinstance(image, Resize):
        image = image.image
    if not isinstance(image, Generate) or image.model.sha256 != search.info.sha256:
        raise DirectionError(
            "A marked picture was not made by this model.", "Mark pictures of one model."
        )
    if image.latent.space == "s":
        raise DirectionError("A marked picture has styles of its own.", "Mark another one.")
    ws = evaluate(image.latent, model, search.room.store.get_array)
    return np.asarray(ws[0].mean(0), np.float32)


def _difference(search: Search) -> list[Slider]:
    """The mean of the pictures marked as more, minus that of the others."""
    wish, model = search.wish, search.model
    rows = {
        kind: [_w_of(search, model, mark) for mark in wish.marks if mark.more == kind]
        for kind in (True, False)
    }
    if not (rows[True] and rows[False]):
        raise DirectionError("A difference needs pictures on both sides.", "Add some with +.")
    sides = {kind: np.stack(found).astype(np.float64).mean(0) for kind, found in rows.items()}
    step = np.asarray(sides[True] - sides[False])
    if not step.any():
        raise DirectionError("Both sides are the same pictures.", "Put others on one side.")
    vector = unit_std(step, sample_w(model, SPREAD, SEED)).astype(np.float32)
    note = f"the mean of {len(rows[True])} pictures minus that of {len(rows[False])}"
    known = {item.name for item in read_directions(search.room.folder_of(search.info))}
    free = next(n for i in range(1, len(known) + 2) if (n := f"a-b-{i}") not in known)
    return [Slider(wish.name or free, vector, -RANGE, RANGE, None, "w", note)]


METHODS: dict[str, Callable[[Search], list[Slider]]] = {
    "sefa": _sefa,
    "stylespace": find_channels,
    "boundary": _boundary,
    "labels": _labels,
    "difference": _difference,
    "activations": _activations,
    "text": find_text,
}
