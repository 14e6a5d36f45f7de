"""The model card: `card.json`, which says what a model folder holds, checked on reading."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from engine.errors import ModelError
from engine.frame import ModelInfo
from engine.models.families import FAMILIES
from engine.models.family import Config
from engine.store import replacing, write_remedy

CARD = "card.json"
WEIGHTS = "weights.safetensors"
MAPPING = "mapping.onnx"
SYNTHESIS = "synthesis.onnx"
GRAPHS = "graphs.json"
DIRECTIONS = "directions.json"
MAX_BYTES = 2_000_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SHA256 = re.compile("[0-9a-f]{64}")


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model folder. Raises ModelError that names the field that is wrong."""
    path = folder / CARD
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The model folder {folder} has no readable {CARD}: {error.strerror}.",
            "Give a folder that this program made, or import the model again.",
        ) from error
    try:
        card = json.loads(data[: MAX_BYTES + 1])
    except (ValueError, RecursionError) as error:
        _refuse(folder, f"is no JSON ({str(error)[:80]})")
    if not isinstance(card, dict):
        _refuse(folder, "is no object")
    check_card(card, folder)
    return card


def check_card(card: Mapping[str, Any], folder: Path) -> None:
    """Check the fields that every card has. Raises ModelError."""
    check_name(card.get("name"), folder)
    for field in ("title", "family"):
        value = card.get(field)
        if not isinstance(value, str) or not 1 <= len(value) <= 200 or not value.isprintable():
            _refuse(folder, f"has no {field}")
    if not isinstance(card.get("config"), dict):
        _refuse(folder, "has no config")
    sha256 = card.get("weights_sha256")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        _refuse(folder, "has no weights_sha256")


def check_name(name: Any, folder: Path | None = None) -> str:
    """Return the name when it is one that a folder may have. Raises ModelError."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    if folder is not None:
        _refuse(folder, f"has the name {str(name)[:80]!r}")
    raise ModelError(
        f"A model cannot be called {str(name)[:80]!r}.",
        "Use 1 to 64 letters, digits, dots, dashes, underscores or @.",
    )


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Check and write the card, whole or not at all. Raises ModelError."""
    check_card(card, folder)
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    try:
        with replacing(folder / CARD) as file:
            file.write(text.encode())
    except OSError as error:
        raise ModelError(
            f"The card of {folder.name} cannot be written: {error.strerror}.", write_remedy(error)
        ) from error


def is_generator(card: Mapping[str, Any]) -> bool:
    """Whether the card is that of a model that makes pictures here."""
    return card["family"] in FAMILIES


def config_of(card: Mapping[str, Any], folder: Path) -> Config:
    """The generator's sizes. Raises ModelError when the card has none that fit together."""
    family = FAMILIES.get(card["family"])
    if family is None:
        raise ModelError(
            f"The model {card['name']} is of the family {card['family']!r}, which makes no "
            "pictures here.",
            f"This version opens {', '.join(FAMILIES)}.",
        )
    try:
        return family.read_config(card["config"])
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(
            f"The card of {folder.name} has a damaged config: {str(error)[:120]}.",
            "Import or train the model again.",
        ) from error


def info_of(folder: Path, card: Mapping[str, Any], bundled: bool) -> ModelInfo:
    """What the rest needs to know of a generator without loading it."""
    config = config_of(card, folder)
    return ModelInfo(
        name=card["name"],
        title=card["title"],
        family=card["family"],
        sha256=card["weights_sha256"],
        resolution=config.resolution,
        z_dim=config.z_dim,
        w_dim=config.w_dim,
        num_ws=config.num_ws,
        c_dim=config.c_dim,
        bundled=bundled,
        folder=folder,
        card=card,
    )


def origin(folder: Path) -> dict[str, Any]:
    """What a card tells of the model that its own began with. Raises ModelError."""
    card = read_card(folder)
    return {
        "name": card["name"],
        "weights_sha256": card["weights_sha256"],
        "images": images_taught(card),
    }


def training_command(name: str, start: Path | None) -> str:
    """What one types to teach a model; where it began with one of its own name, further."""
    again = start is not None and read_card(start)["name"] == name
    return f"python main.py train {name}" + (f" --from {name}" if again else "")


def images_taught(card: Mapping[str, Any]) -> int:
    """How many images taught a model, those of the model that it began with among them; 0 where
    the card tells none."""
    trained = card.get("trained")
    if not isinstance(trained, Mapping):
        return 0
    before = trained.get("from")
    parts = (trained, before) if isinstance(before, Mapping) else (trained,)
    counts = (part.get("images") for part in parts)
    return sum(count for count in counts if isinstance(count, int))


def _refuse(folder: Path, words: str) -> NoReturn:
    raise ModelError(
        f"The card {folder / CARD} {words}.",
        "Restore the file, or import or train the model again.",
    )
