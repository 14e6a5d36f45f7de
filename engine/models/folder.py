"""Writes a model folder: weights, ONNX graphs and a card that belong together."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import write_safetensors
from engine.errors import ModelError
from engine.models.card import MAPPING, SYNTHESIS, WEIGHTS, check_name, write_card
from engine.models.families import check_fits
from engine.models.family import Config, Tensors
from engine.store import write_remedy


def write_model_folder(
    folder: Path, config: Config, tensors: Tensors, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Export the ONNX graphs and write everything; returns the card.

    folder: must not exist yet; its parent is made. tensors: as they shall be stored, float16 for
    bundled models. facts: what else the card tells: name (the folder's when absent), title, data,
    command, trained, scores, licence. Nothing is left when a step fails. Raises ModelError.
    """
    name = check_name(facts.get("name", folder.name))
    if folder.exists():
        raise ModelError(f"There is already a model at {folder}.", "Choose another name.")
    check_fits(config, tensors, name)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
        try:
            card = _fill(building, config, tensors, {**facts, "name": name})
            building.chmod(0o755)
            os.rename(building, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"The model {name} cannot be written to {folder}: {error.strerror}.",
            write_remedy(error),
        ) from error
    return card


def write_graphs(folder: Path, config: Config, tensors: Tensors) -> int:
    """Export both graphs into the folder, checked; returns the largest difference of 255."""
    from engine.models.to_onnx import export_graphs
    from engine.models.torch_generator import build_generator

    graphs = export_graphs(build_generator(config, tensors))
    graphs.write(folder, {"family": config.family, "weights_sha256": weights_sha256(tensors)})
    return graphs.largest


def _fill(
    folder: Path, config: Config, tensors: Tensors, facts: Mapping[str, Any]
) -> dict[str, Any]:
    write_safetensors(folder / WEIGHTS, tensors)
    write_graphs(folder, config, tensors)
    files = (WEIGHTS, MAPPING, SYNTHESIS)
    card: dict[str, Any] = {
        "name": facts["name"],
        "title": facts["name"],
        "version": 1,
        **facts,
        "family": config.family,
        "config": config.to_dict(),
        "weights_sha256": weights_sha256(tensors),
        "bytes": sum((folder / file).stat().st_size for file in files),
    }
    write_card(folder, card)
    return card
