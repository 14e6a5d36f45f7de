"""Writes a model folder: weights, ONNX graphs and a card that belong together."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import write_safetensors
from engine.errors import ModelError
from engine.models.card import MAPPING, SYNTHESIS, WEIGHTS, check_name, write_card
from engine.models.families import check_fits
from engine.models.family import Config, Tensors
from engine.models.shared_weights import own_weights
from engine.store import write_remedy

UNFINISHED = ".new-"  # then the number of the process that writes


def write_model_folder(
    folder: Path,
    config: Config,
    tensors: Tensors,
    facts: Mapping[str, Any],
    *,
    replace: bool = False,
    graphs: bool = True,
) -> dict[str, Any]:
    """Export the ONNX graphs of a generator, if wanted, and write everything; returns the card.

    tensors: as they shall be stored, float16 for bundled models. See `write_folder`.
    """
    check_fits(config, tensors, check_name(facts.get("name", folder.name)))

    def more(building: Path) -> tuple[str, ...]:
        if not graphs:
            return ()
        write_graphs(building, config, tensors)
        return MAPPING, SYNTHESIS

    plain = config.to_dict()
    return write_folder(folder, config.family, plain, tensors, facts, more, replace=replace)


def write_folder(
    folder: Path,
    family: str,
    config: Mapping[str, Any],
    tensors: Tensors,
    facts: Mapping[str, Any],
    more: Callable[[Path], Sequence[str]] = lambda _: (),
    *,
    replace: bool = False,
) -> dict[str, Any]:
    """Write weights, a card and more files into a folder, whole or not at all; returns the card.

    facts: what else the card tells: name (the folder's when absent), title, data, command,
    trained, scores, licence, shares (see shared_weights). more: writes further files and names
    them. replace: a folder that is there gives way as a whole, its directions too; else it must
    not exist yet. Nothing is left when a step fails. Raises ModelError.
    """
    name = check_name(facts.get("name", folder.name))
    if folder.exists() and not replace:
        raise ModelError(f"There is already a model at {folder}.", "Choose another name.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{UNFINISHED}{os.getpid()}-"))
        try:
            write_safetensors(building / WEIGHTS, own_weights(tensors, facts))
            files = (WEIGHTS, *more(building))
            card: dict[str, Any] = {
                "name": name,
                "title": name,
                "version": 1,
                **facts,
                "family": family,
                "config": dict(config),
                "weights_sha256": weights_sha256(tensors),
                "bytes": sum((building / file).stat().st_size for file in files),
            }
            write_card(building, card)
            building.chmod(0o755)
            if folder.exists():
                shutil.rmtree(folder)
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
