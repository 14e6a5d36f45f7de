"""Model folders that hold somebody else's ONNX graph: written once, and opened again.

The graph lies in the folder as it came, with the files beside it that hold its values. Its digest
is that of the file; where there are more files, that of their names and digests.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.cancel import CancelToken
from engine.checkpoints.read import read_raw
from engine.errors import ModelError
from engine.frame import ModelInfo
from engine.models.card import check_name, config_of, write_card
from engine.models.folder import UNFINISHED
from engine.models.layouts.onnx import NAME, OnnxConfig
from engine.models.third_party import try_onnx
from engine.store import write_remedy

GRAPH = "generator.onnx"


def is_graph(path: Path) -> bool:
    """Whether a path names an ONNX file."""
    return path.is_file() and path.suffix.lower() == ".onnx"


def graph_sha256(path: Path, beside: tuple[str, ...]) -> str:
    """The digest of a graph, lower-case hex."""
    own = _file_sha256(path)
    if not beside:
        return own
    lines = [f"graph {own}", *(f"{n} {_file_sha256(path.parent / n)}" for n in sorted(beside))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_foreign(
    folder: Path, path: Path, facts: Mapping[str, Any], cancel: CancelToken
) -> dict[str, Any]:
    """Copy a graph into a new model folder, check and try the copy, and write its card.

    Whole or not at all; returns the card. Raises CheckpointError, ModelError or Cancelled.
    """
    name = check_name(facts.get("name", folder.name))
    if folder.exists():
        raise ModelError(f"There is already a model at {folder}.", "Choose another name.")
    beside = tuple(read_raw(path, cancel).networks[0].init.get("beside", ()))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{UNFINISHED}{os.getpid()}-"))
        try:
            shutil.copyfile(path, building / GRAPH)
            for file in beside:
                if (building / file).exists() or file == "card.json":
                    raise ModelError(
                        f"{path.name} keeps values in a file called {file!r}, which stands for "
                        "something else in a model folder.",
                        "Save the graph as one file.",
                    )
                shutil.copyfile(path.parent / file, building / file)
            # What counts is what was copied: the file may have changed since it was looked at.
            init = dict(read_raw(building / GRAPH, cancel).networks[0].init)
            cancel.check()
            config = try_onnx(building / GRAPH, init)
            card: dict[str, Any] = {
                "name": name,
                "title": name,
                "version": 1,
                **facts,
                "family": NAME,
                "config": config.to_dict(),
                "weights_sha256": graph_sha256(building / GRAPH, config.beside),
                "bytes": sum(file.stat().st_size for file in building.iterdir()),
            }
            write_card(building, card)
            building.chmod(0o755)
            cancel.check()
            os.rename(building, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"The model {name} cannot be written to {folder}: {error.strerror}.",
            write_remedy(error),
        ) from error
    return card


def checked_foreign(info: ModelInfo) -> dict[str, np.ndarray]:
    """What stands for the tensors of such a model, once its files have the card's digest.

    Raises ModelError that names the file, the digest that the card expects, and the remedy.
    """
    config = foreign_config(info)
    path = info.folder / GRAPH
    try:
        digest = graph_sha256(path, config.beside)
    except OSError as error:
        raise ModelError(
            f"The graph of {info.name} cannot be read: {path}: {error.strerror}.",
            "Import the model again.",
        ) from error
    if digest != info.sha256:
        raise ModelError(
            f"The graph of {info.name} is not that of its card: {path} has the digest {digest}, "
            f"expected {info.sha256}.",
            "Import the model again.",
        )
    return {"average": np.zeros(config.w_dim, np.float32)}


def foreign_config(info: ModelInfo) -> OnnxConfig:
    """How the graph of such a model is used, as its card says."""
    config = config_of(info.card, info.folder)
    assert isinstance(config, OnnxConfig)
    return config


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
