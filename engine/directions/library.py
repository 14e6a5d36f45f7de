"""The directions of a model folder: `directions.json` and the vectors in its `store`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.directions.effects import Slider
from engine.errors import DirectionError
from engine.frame import DirectionInfo
from engine.store import Store

FILE = "directions.json"
STORE = "store"
FIELDS = {f.name for f in fields(DirectionInfo)}
MAX_BYTES = 1_000_000


def read_directions(folder: Path) -> tuple[DirectionInfo, ...]:
    """The directions in their fixed order; empty where none were found yet.

    Raises DirectionError when the file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return ()
    try:
        data = json.loads(path.read_bytes()[: MAX_BYTES + 1])
        found = tuple(_read(item) for item in data)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DirectionError(
            f"The directions of {folder.name} cannot be read: {str(error)[:120]}.",
            "Find them again: python main.py find-directions.",
        ) from error
    if len({d.name for d in found}) < len(found):
        raise DirectionError(f"Two directions of {folder.name} have one name.")
    return found


def write_directions(folder: Path, found: Sequence[tuple[DirectionInfo, np.ndarray]]) -> None:
    """Write vectors and list; vectors that no direction names any longer are removed.

    Each DirectionInfo's sha256 is filled in from its vector.
    """
    store = Store(folder / STORE)
    infos = []
    for info, vector in found:
        sha256 = store.put_array(np.ascontiguousarray(vector, np.float32))
        infos.append({**asdict(info), "sha256": sha256})
    for item in infos:
        item["layers"] = None if item["layers"] is None else list(item["layers"])
        item["scores"] = dict(item["scores"])
    text = json.dumps(infos, indent=2, ensure_ascii=False) + "\n"
    try:
        (folder / FILE).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DirectionError(
            f"{FILE} cannot be written to {folder}: {error.strerror}.", "Free some space."
        ) from error
    kept = {str(item["sha256"]) for item in infos}
    for path in (folder / STORE).rglob("*"):
        if path.is_file() and len(path.name) == 64 and path.name not in kept:
            path.unlink()


def vector_of(folder: Path, info: DirectionInfo) -> Float32[np.ndarray, " w_dim"]:
    """The vector of a direction. Raises StoreError when it is missing or damaged."""
    return Store(folder / STORE).get_array(info.sha256)


def sliders(folder: Path) -> tuple[Slider, ...]:
    """Every direction with its vector."""
    return tuple(
        Slider(d.name, vector_of(folder, d), d.low, d.high, d.layers)
        for d in read_directions(folder)
    )


def _read(item: Mapping[str, Any]) -> DirectionInfo:
    unknown = sorted(set(item) - FIELDS)
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}")
    layers = item.get("layers")
    info = DirectionInfo(**{**item, "layers": None if layers is None else tuple(layers)})
    if not float(info.low) < float(info.high):
        raise ValueError(f"the range of {info.name!r} is empty")
    return info
