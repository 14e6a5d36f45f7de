"""Turns a training run of a small generator into a model folder that can be shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.checkpoints.safetensors_file import read_safetensors
from engine.models.folder import write_model_folder
from engine.training.checkpoint import notes_of
from engine.training.families.run import WEIGHTS
from engine.training.families.spec import TrainFamily


def bundle_family(spec: TrainFamily, folder: Path, machine: str) -> dict[str, Any]:
    """Write weights (float16), both ONNX graphs and a card without scores; return the card.

    What lies in the folder is replaced as a whole. Raises TrainingError when the run left no
    generator, ModelError when the graphs disagree with torch or the folder cannot be written.
    """
    source = spec.work / WEIGHTS
    notes = notes_of(source, "config")
    images = int(notes.get("images", 0))
    facts: dict[str, Any] = {
        "name": spec.name,
        "title": spec.title,
        "data": {
            "set": "portraits",
            "drawn_for": "z and class" if spec.classes else "z",
            "seed": spec.data_seed,
            "rows": [0, spec.portraits],
        },
        "command": f"python main.py train {spec.name}",
        "seed": spec.seed,
        "trained": {
            "images": images,
            "seconds": int(notes.get("seconds", 0)),
            "taught_by_regression": images,
            "of_them": seen_in(spec, images),
            "batch": spec.batch,
            "machine": machine,
        },
        "scores": {},
        "licence": "Apache-2.0",
    }
    if spec.classes:
        facts["classes"] = list(spec.classes)
    return write_model_folder(folder, spec.config, read_safetensors(source), facts, replace=True)


def seen_in(spec: TrainFamily, images: int) -> dict[str, int]:
    """How many of the images were taught at each smaller size, with features, and with the
    discriminator beside: what the family's own way of training came to."""
    found: dict[str, int] = {}
    start = 0
    for part in spec.parts:
        done = max(0, min(part.images, images - start))
        start += part.images
        names = [f"at_{part.resolution}_px"]
        names += ["with_features_and_rival"] * part.features
        names += ["with_discriminator"] * (part.game > 0)
        for name in names if done else ():
            found[name] = found.get(name, 0) + done
    return found
