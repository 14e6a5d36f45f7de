"""The guided tour, read from its file: plain words, and a Recipe for every stop."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import AtelierError, ModelError
from engine.frame import DirectionInfo
from engine.models.library import ModelLibrary
from engine.recipe import Recipe
from engine.wishes import TourStop

FOLDER = Path(__file__).resolve().parents[2] / "resources"
WORDS = ("key", "title", "page", "section", "text", "try", "paper", "recipe")
EXPERIMENT = "experiment"
_LANGUAGE = re.compile("[a-z]{2}")

Directions = Callable[[str], tuple[DirectionInfo, ...]]


def read_tour(
    library: ModelLibrary, directions: Directions, language: str = "", folder: Path = FOLDER
) -> tuple[TourStop, ...]:
    """Every stop, in order. language: two letters; without a file of its own it is English.

    Raises AtelierError that names the stop and what is wrong with it.
    """
    path = folder / f"tour.{language}.toml"
    if not _LANGUAGE.fullmatch(language) or not path.is_file():
        path = folder / "tour.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AtelierError(
            f"The tour in {path.name} cannot be read: {str(error)[:120]}.",
            "Install the program again.",
        ) from error
    stops = found.get("stop")
    if not isinstance(stops, list) or not stops:
        raise AtelierError(f"The tour in {path.name} has no stops.", "Install the program again.")
    names = _names(library)
    return tuple(_stop(plain, names, directions) for plain in stops)


def _stop(plain: Any, names: dict[str, str], directions: Directions) -> TourStop:
    key = str(plain.get("key", "?")) if isinstance(plain, dict) else "?"
    missing = [word for word in WORDS if not isinstance(plain.get(word), str)]
    unknown = sorted(set(plain) - {*WORDS, EXPERIMENT})
    if missing or unknown:
        words = f"lacks {missing[0]!r}" if missing else f"has an unknown line {unknown[0]!r}"
        raise AtelierError(f"The stop {key!r} of the tour {words}.", "Compare it with the others.")
    try:
        image = _meant(json.loads(plain["recipe"]), names, directions)
        recipe = Recipe.from_plain({"recipe": 1, "image": image})
    except ValueError as error:
        raise AtelierError(
            f"The Recipe of the stop {key!r} is no JSON: {str(error)[:120]}."
        ) from error
    return TourStop(
        key,
        plain["title"],
        plain["page"],
        plain["section"],
        plain["text"],
        plain["try"],
        plain["paper"],
        recipe,
        _experiment(key, plain.get(EXPERIMENT, "")),
    )


def _experiment(key: str, wanted: Any) -> str:
    """The key of a prepared experiment, or "". Raises AtelierError for one that there is not."""
    from engine.training.presets import PRESETS

    known = {"", *(preset.key for preset in PRESETS)}
    if not isinstance(wanted, str) or wanted not in known:
        raise AtelierError(
            f"The stop {key!r} of the tour begins the experiment {str(wanted)[:40]!r}, "
            "which is not here.",
            "Install the program again.",
        )
    return wanted


def _meant(value: Any, names: dict[str, str], directions: Directions) -> Any:
    """The data with what "@NAME" and "@NAME/DIRECTION" stand for. Raises ModelError."""
    if isinstance(value, dict):
        return {word: _meant(part, names, directions) for word, part in value.items()}
    if isinstance(value, list):
        return [_meant(part, names, directions) for part in value]
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    name, slash, direction = value[1:].partition("/")
    if name not in names:
        raise ModelError(f"The tour shows the model {name!r}, which is not here.")
    if not slash:
        return {"name": name, "sha256": names[name]}
    for info in directions(name):
        if info.name == direction:
            return info.sha256
    raise ModelError(f"The tour moves {name} along {direction!r}, which is not here.")


def _names(library: ModelLibrary) -> dict[str, str]:
    """The digest of every model and network that is here."""
    found = {info.name: info.sha256 for info in library.models()}
    found |= {info.name: info.sha256 for info in library.denoisers()}
    return found | {card["name"]: card["weights_sha256"] for card in library.others()}
