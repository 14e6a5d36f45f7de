"""A direction as a file of its own: one tensor in a safetensors file, with its card in the header.

The card is JSON: name and label, space, layers, range, method, what it moves, the model by name,
digest and latent sizes, and Recipes that show it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.checkpoints.safetensors_file import read_safetensors
from engine.errors import CheckpointError, DirectionError
from engine.frame import DirectionInfo, ModelInfo
from engine.latents import SPACES
from engine.recipe import Recipe
from engine.store import replacing, write_remedy

SUFFIX = ".safetensors"
VERSION = 1
UNIT = "one standard deviation of the latent along the direction"
MAX_BYTES = 64_000_000
_TENSOR = "direction"


@dataclass(frozen=True)
class DirectionFile:
    """What a direction file holds. examples: Recipes that show the direction."""

    info: DirectionInfo
    vector: Float32[np.ndarray, "*shape"]
    model: Mapping[str, Any]
    examples: tuple[Recipe, ...] = ()


def write_direction(
    path: Path,
    info: DirectionInfo,
    vector: Float32[np.ndarray, "*shape"],
    model: ModelInfo,
    examples: Sequence[Recipe] = (),
) -> None:
    """Write one direction of a model. Raises DirectionError when the disk refuses."""
    from safetensors.numpy import save

    card = {
        "direction": VERSION,
        "name": info.name,
        "label": info.label,
        "space": info.space,
        "layers": None if info.layers is None else list(info.layers),
        "low": info.low,
        "high": info.high,
        "unit": UNIT,
        "method": info.method,
        "note": info.note,
        "scores": dict(info.scores),
        "model": _model(model),
        "examples": [json.loads(recipe.canonical) for recipe in examples],
    }
    notes = {"card": json.dumps(card, ensure_ascii=False)}
    data = save({_TENSOR: np.ascontiguousarray(vector, np.float32)}, metadata=notes)
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise DirectionError(
            f"{path} cannot be written: {error.strerror or error}.", write_remedy(error)
        ) from error


def read_direction(path: Path) -> DirectionFile:
    """Read a direction file strictly. Raises DirectionError."""
    data = checked_bytes(path)
    try:
        tensors = read_safetensors(path)
        length = int.from_bytes(data[:8], "little")
        card = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["card"])
        if card["direction"] != VERSION or set(tensors) != {_TENSOR}:
            raise ValueError("it is of another version")
        info = _info(card)
        examples = tuple(Recipe.from_plain(item) for item in card["examples"][:16])
        model = dict(card["model"])
    except (CheckpointError, KeyError, TypeError, ValueError) as error:
        words = error.what if isinstance(error, CheckpointError) else str(error)[:120]
        raise DirectionError(
            f"{path.name} is no direction file: {words}.".replace("..", "."),
            "Choose a file that this program exported, a .npy boundary or GANSpace components.",
        ) from error
    return DirectionFile(info, tensors[_TENSOR].astype(np.float32), model, examples)


def check_fits(found: DirectionFile, model: ModelInfo, style_dim: int | None = None) -> None:
    """Raise DirectionError when a direction is for latents of another size."""
    sizes = {"z": model.z_dim, "w": model.w_dim, "s": style_dim}
    dim = sizes[found.info.space]
    if dim is not None and found.vector.shape[-1] != dim:
        raise DirectionError(
            f"This direction is for {found.info.space} of {found.vector.shape[-1]} values, "
            f"but {model.name} makes {dim}.",
            "Choose a direction found on this model.",
        )
    rows = (model.num_ws,) if found.info.space == "w" else ()
    if found.vector.ndim > 1 and found.vector.shape[:-1] != rows:
        raise DirectionError(
            f"This direction has the shape {list(found.vector.shape)}, which {model.name} "
            "does not take.",
            "Choose a direction found on this model.",
        )


def for_model(found: DirectionFile, model: ModelInfo, anyway: bool = False) -> DirectionInfo:
    """The direction's facts, now of `model`.

    Raises DirectionError when it was found on other weights, unless `anyway`: a model that was
    fine-tuned from another often shares its directions.
    """
    theirs = str(found.model.get("sha256", ""))
    if theirs and theirs != model.sha256 and not anyway:
        name = str(found.model.get("name", "another model"))[:60]
        raise DirectionError(
            f"This direction was found on {name} with weights {theirs[:12]}, "
            f"not on {model.name} with {model.sha256[:12]}.",
            "Import it anyway if one was trained from the other.",
        )
    return replace(found.info, model_sha256=model.sha256, scores={})


def checked_bytes(path: Path) -> bytes:
    """The bytes of a small file. Raises DirectionError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DirectionError(f"{path.name} is too large for a file of directions.")
        return path.read_bytes()
    except OSError as error:
        raise DirectionError(
            f"{path} cannot be read: {error.strerror}.", "Check the path."
        ) from error


def _model(model: ModelInfo) -> dict[str, Any]:
    return {
        "name": model.name,
        "sha256": model.sha256,
        "z_dim": model.z_dim,
        "w_dim": model.w_dim,
        "num_ws": model.num_ws,
    }


def _info(card: Mapping[str, Any]) -> DirectionInfo:
    layers, low, high = card["layers"], float(card["low"]), float(card["high"])
    if card["space"] not in SPACES or not -1000 <= low < high <= 1000:
        raise ValueError("its space or range is none")
    return DirectionInfo(
        name=str(card["name"])[:80],
        label=str(card["label"])[:80],
        sha256="",
        model_sha256="",
        method=str(card["method"])[:40],
        low=low,
        high=high,
        layers=None if layers is None else tuple(int(x) for x in layers),
        scores={str(k)[:40]: float(v) for k, v in dict(card["scores"]).items()},
        space=card["space"],
        note=str(card["note"])[:200],
    )
