"""Turns a training run of a generator into a model folder that can be shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoints.safetensors_file import read_safetensors
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.folder import write_model_folder
from engine.training.checkpoint import notes_of

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
    notes = notes_of(source, "config")
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
    return write_model_folder(folder, config, read_safetensors(source), facts, replace=True)


def _how(spec: TrainStyleGAN2, counts: dict[str, int]) -> dict[str, Any]:
    """What a reader of the card should know: how long, what was taught, what was played."""
    images = counts.get("images", 0)
    played = counts.get("played", images)
    return {
        "images": images,
        "seconds": counts.get("seconds", 0),
        "taught_by_regression": images - played,
        "adversarial": played,
        "batch": spec.taught_batch if spec.taught else spec.batch,
        "perceptual": spec.perceptual,
        "rivalry": spec.rivalry,
        "guide": None if spec.guide is None else "portraits-attributes",
    }
