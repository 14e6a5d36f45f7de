"""The frozen state of the timeline, and the pure ways to change it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from desktop.kit import bands
from engine.errors import RecipeError
from engine.path import Key, Path
from engine.recipe import Image, Recipe, Resize

STEP_S = 1.5
LEAST_S, MOST_S = 0.1, 3600.0


@dataclass(frozen=True)
class FilmState:
    """The film, None before its first key. loop_s: kept while there is no film, too."""

    path: Path | None = None
    loop_s: float = 0.0


def with_key(state: FilmState, recipe: Recipe) -> FilmState:
    """The picture as the last key. Raises RecipeError for one that no generator made."""
    image: Image = recipe.image
    while isinstance(image, Resize):
        image = image.image
    path = state.path
    if path is None:
        return FilmState(Path((Key(image, 0.0),)), state.loop_s)
    at = path.keys[-1].time_s + STEP_S
    keys = (*path.keys, Key(image, at))
    return FilmState(replace(path, keys=keys, loop_s=state.loop_s, warp=()), state.loop_s)


def without_key(state: FilmState, index: int) -> FilmState:
    """A key less; the film begins at 0 s all the same."""
    path = state.path
    if path is None or index >= len(path.keys):
        return state
    kept = path.keys[:index] + path.keys[index + 1 :]
    if not kept:
        return FilmState(None, 0.0)
    start = kept[0].time_s
    keys = tuple(Key(key.image, round(key.time_s - start, 2)) for key in kept)
    return replace(state, path=replace(path, keys=keys, warp=()))


def with_key_at(state: FilmState, index: int, time_s: float) -> FilmState:
    """A key at another time between its neighbours; the first one stays at 0 s."""
    path = state.path
    if path is None or not 0 < index < len(path.keys):
        return state
    low = path.keys[index - 1].time_s + LEAST_S
    last = index + 1 == len(path.keys)
    high = MOST_S if last else path.keys[index + 1].time_s - LEAST_S
    when = min(max(time_s, low), max(low, high))
    keys = (*path.keys[:index], Key(path.keys[index].image, when), *path.keys[index + 1 :])
    return replace(state, path=replace(path, keys=keys, warp=()))


def with_setting(state: FilmState, name: str, key: str, num_ws: int) -> FilmState:
    """Easing, space, layers, noise or frames a second by the key of a choice."""
    path = state.path
    if path is None:
        return state
    values: dict[str, Any] = {name: float(key) if name == "fps" else key}
    if name == "layers":  # only in w can some layers stay
        layers = bands(num_ws).get(key) or None
        values = {"layers": layers, "space": "w" if layers else path.space}
    elif name == "space" and key != "w":
        values["layers"] = None
    if name not in ("fps", "noise"):
        values["warp"] = ()
    return replace(state, path=replace(path, **values))


def settings_of(path: Path, num_ws: int) -> dict[str, str]:
    """The keys of the choices that hold."""
    named = {layers: name for name, layers in bands(num_ws).items()}
    return {
        "easing": path.easing,
        "space": path.space,
        "layers": named.get(path.layers or (), "all"),
        "noise": path.noise,
        "fps": f"{path.fps:g}",
    }


def plain_of(state: FilmState) -> str | None:
    """The film as text for a project file."""
    return None if state.path is None else state.path.canonical.decode("utf-8")


def state_from(text: object) -> FilmState:
    """What a project file kept; no film where it cannot be read."""
    if not isinstance(text, str):
        return FilmState()
    try:
        path = Path.from_json(text)
    except RecipeError:
        return FilmState()
    return FilmState(path, path.loop_s)
