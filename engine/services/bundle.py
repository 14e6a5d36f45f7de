"""Turns a training run of a generator into a model folder that can be shipped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoints.safetensors_file import read_safetensors
from engine.errors import ModelError, TrainingError
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.folder import write_model_folder
from engine.store import write_remedy

if TYPE_CHECKING:
    from engine.training.options import TrainStyleGAN2

NAME = "portraits-stylegan2"
TITLE = "Portraits, StyleGAN2"


def bundle_stylegan2(spec: TrainStyleGAN2, folder: Path, machine: str) -> dict[str, Any]:
    """Write weights (float16), both ONNX graphs and a card without scores; return the card.

    spec: the run whose moving average, in `spec.work`, is bundled. A model already in the folder
    is replaced as a whole, its directions too: they belong to other weights. Raises TrainingError
    when the run left no generator, ModelError when the graphs disagree with torch or the folder
    cannot be written; then what was there stays.
    """
    source = spec.work / "generator.safetensors"
    notes = _notes(source)
    config = StyleGAN2Config.from_dict(json.loads(notes["config"]))
    counts = ("images", "played", "seconds")
    trained: dict[str, int] = {name: int(notes[name]) for name in counts if name in notes}
    facts: dict[str, Any] = {
        "name": NAME,
        "title": TITLE,
        "data": {"set": "portraits", "seed": spec.data_seed, "rows": [0, spec.portraits]},
        "command": f"python main.py train {NAME}",
        "seed": spec.seed,
        "trained": _how(spec, trained) | {"machine": machine},
        "scores": {},
        "licence": "Apache-2.0",
    }
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    card = write_model_folder(fresh, config, read_safetensors(source), facts)
    try:
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    except OSError as error:
        raise ModelError(
            f"The model folder {folder} cannot be replaced: {error.strerror}.", write_remedy(error)
        ) from error
    return card


def _how(spec: TrainStyleGAN2, counts: dict[str, int]) -> dict[str, Any]:
    """What a reader of the card should know: how long, what was taught, what was played."""
    images = counts.get("images", 0)
    played = counts.get("played", images)
    return {
        "images": images,
        "seconds": counts.get("seconds", 0),
        "taught_by_regression": images - played,
        "adversarial": played,
        "batch": spec.batch,
        "guide": None if spec.guide is None else "portraits-attributes",
    }


def _notes(source: Path) -> dict[str, str]:
    """The notes in a safetensors header that a training run wrote."""
    try:
        with source.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        notes = header["__metadata__"]
        notes["config"]
    except (OSError, ValueError, KeyError, TypeError, MemoryError) as error:
        raise TrainingError(
            f"There is no finished generator in {source.parent.name}.", "Train for longer."
        ) from error
    return {str(name): str(value) for name, value in notes.items()}
