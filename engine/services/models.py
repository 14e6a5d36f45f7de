"""Models as the user meets them: listed, imported, looked into, exported as ONNX."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.cancel import CancelToken
from engine.checkpoints.digest import weights_sha256
from engine.directions.library import read_directions, vector_of, write_directions
from engine.errors import CheckpointError, ModelError
from engine.frame import BackendName, DirectionInfo, ModelInfo, OnProgress, Progress
from engine.models.card import CARD, check_name, config_of, info_of, is_generator, read_card
from engine.models.families import check_fits, known
from engine.models.family import Config
from engine.models.folder import UNFINISHED, write_graphs, write_model_folder
from engine.models.library import ModelLibrary, load_tensors
from engine.models.opened import Model, open_model, open_tensors
from engine.models.published.convert import convert
from engine.models.published.layout import floats
from engine.store import process_runs

Tensors = dict[str, np.ndarray]


def directions_of(library: ModelLibrary, info: ModelInfo) -> tuple[DirectionInfo, ...]:
    """The model's directions in their fixed order: shipped ones, then ones found here.

    Raises DirectionError when a list is damaged.
    """
    found = list(read_directions(info.folder))
    here = library.imported / info.name
    if here != info.folder:
        known = {item.sha256 for item in found}
        found += [item for item in read_directions(here) if item.sha256 not in known]
    return tuple(item for item in found if item.model_sha256 == info.sha256)


def direction_owners(library: ModelLibrary) -> Mapping[str, frozenset[str]]:
    """For each known direction the digests of the models that it was found on."""
    owners: dict[str, frozenset[str]] = {}
    for info in library.models():
        for item in directions_of(library, info):
            owners[item.sha256] = owners.get(item.sha256, frozenset()) | {item.model_sha256}
    return owners


def open_path(path: Path, backend: BackendName | None = None) -> Model:
    """Open a model folder or a checkpoint by its path, without keeping it.

    Raises CheckpointError for kinds that are not read, ModelError for damaged folders.
    """
    if (path / CARD).is_file():
        return open_model(info_of(path, read_card(path), bundled=False), backend)
    if path.is_file() and path.suffix.lower() == ".onnx":
        return _open_onnx(path)
    config, tensors = read_checkpoint(path)
    return open_tensors(passing_info(path, config, tensors), tensors, backend)


def _open_onnx(path: Path) -> Model:
    """A generator that somebody else exported. Raises CheckpointError or BackendError."""
    from engine.checkpoints.read import read_raw
    from engine.models.third_party import open_onnx

    raw = read_raw(path)
    config, backend = open_onnx(path, dict(raw.networks[0].init))
    card: dict[str, Any] = {
        "name": path.stem[:64],
        "title": path.stem[:64],
        "family": config.family,
    }
    card |= {"config": config.to_dict(), "weights_sha256": raw.source_sha256}
    info = replace(info_of(path, card, bundled=False), folder=path)
    return Model(info, backend, {"average": np.zeros(config.w_dim, np.float32)})


def read_checkpoint(path: Path, cancel: CancelToken | None = None) -> tuple[Config, Tensors]:
    """Sizes and tensors of a published checkpoint, or of a folder that holds one.

    A `config.json` of this program beside a .safetensors file may name the sizes; else names,
    shapes and the stored arguments tell them. Raises CheckpointError.
    """
    if not path.exists():
        raise CheckpointError(f"There is no file or folder {path}.", "Check the path.")
    from engine.checkpoints.read import read_raw

    raw = read_raw(path, cancel)
    beside = (path if path.is_dir() else path.parent) / "config.json"
    stated = raw.format in ("safetensors", "folder") and beside.is_file()
    tensors = floats(raw.networks[0].tensors) if stated else {}
    family = known(tensors)
    if family is None:
        return convert(raw, path.name)
    card = {"name": path.stem, "family": family.NAME, "config": _json(beside)}
    config = config_of(card, beside.parent)
    check_fits(config, tensors, path.name)
    return config, tensors


def import_model(
    library: ModelLibrary,
    path: Path,
    name: str | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
    expected: str = "",
) -> ModelInfo:
    """Read a checkpoint or model folder safely and keep it under the home folder.

    progress: told of each stage. cancel: asked between the stages. expected: the digest that the
    weights must have, "" for any. Raises CheckpointError, ModelError or Cancelled; nothing is kept
    then.
    """
    cancel = cancel or CancelToken()
    tell = progress or (lambda _: None)
    tell(Progress("Reading and checking", 0.1))
    facts: dict[str, Any] = {}
    if (path / CARD).is_file():
        info = info_of(path, read_card(path), bundled=False)
        config, tensors = config_of(info.card, path), load_tensors(info)
        facts = {key: info.card[key] for key in _KEPT if key in info.card}
    else:
        config, tensors = read_checkpoint(path, cancel)
    cancel.check()
    chosen = check_name(name or facts.get("name") or path.stem)
    found_sha256 = weights_sha256(tensors)
    if expected not in ("", found_sha256):
        raise ModelError(
            f"{path.name} holds other weights than the Recipe wants.",
            f"Theirs have the SHA-256 {found_sha256}, wanted is {expected}: choose another file.",
        )
    _refuse_doubles(library, chosen, found_sha256)
    tell(Progress("Exporting the ONNX graphs and checking them against torch", 0.3))
    facts |= {"name": chosen, "source": path.name, **_source_digest(path)}
    folder = library.imported / chosen
    write_model_folder(folder, config, tensors, facts)
    found = read_directions(path) if path.is_dir() else ()
    if found:
        write_directions(folder, [(item, vector_of(path, item)) for item in found])
    library.refresh()
    tell(Progress("Done", 1.0))
    return library.find(chosen)


def import_apart(
    home: Path,
    path: Path,
    name: str | None,
    expected: str,
    progress: OnProgress,
    cancel: CancelToken,
) -> str:
    """import_model in the worker process; returns the model's name."""
    leave_no_lock()
    return import_model(ModelLibrary(home), path, name, progress, cancel, expected).name


def leave_no_lock() -> None:
    """For a process that may be killed while it exports: it shall own no lock of the system's."""
    with contextlib.suppress(ImportError):  # torch's exporter shows progress only where tqdm is
        from tqdm import tqdm  # type: ignore[import-untyped]

        # Else it makes a lock between processes, which a killed process cannot take back.
        tqdm.set_lock(threading.RLock())


def sweep_unfinished(library: ModelLibrary) -> None:
    """Remove what imports left whose processes are gone."""
    for folder in library.imported.glob(f"{UNFINISHED}*"):
        number = folder.name.removeprefix(UNFINISHED).split("-")[0]
        if number.isdecimal() and not process_runs(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def inspect(path: Path) -> dict[str, Any]:
    """What a checkpoint or model folder is, without keeping it."""
    if (path / CARD).is_file():
        card = read_card(path)
        if is_generator(card):
            load_tensors(info_of(path, card, bundled=False))
        return {key: card[key] for key in ("name", "family", "config", "weights_sha256")}
    config, tensors = read_checkpoint(path)
    return {
        "name": path.stem,
        "family": config.family,
        "config": config.to_dict(),
        "weights_sha256": weights_sha256(tensors),
        "tensors": len(tensors),
        "parameters": sum(array.size for array in tensors.values()),
    }


def export_onnx(library: ModelLibrary, name: str, out: Path | None = None) -> tuple[Path, int]:
    """Write the ONNX graphs of a model into its folder, or into `out`.

    Returns the folder and the largest difference to torch, of 255. The graphs take their weights
    from the model's weights.safetensors.
    """
    info = library.find(name)
    folder = out or info.folder
    return folder, write_graphs(folder, config_of(info.card, info.folder), load_tensors(info))


def _source_digest(path: Path) -> dict[str, str]:
    """The SHA-256 of the file that a model came from, for its card; a folder has none."""
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return {"source_sha256": hashlib.file_digest(file, "sha256").hexdigest()}


_KEPT = ("name", "title", "data", "command", "seed", "trained", "scores", "licence", "classes")


def _refuse_doubles(library: ModelLibrary, name: str, sha256: str) -> None:
    for info in library.models():
        if info.sha256 == sha256:
            raise ModelError(f"These weights are here already, as {info.name}.", "Use that model.")
        if info.name == name:
            raise ModelError(
                f"There is already a model called {name}.", "Give another one with --name."
            )


def passing_info(path: Path, config: Config, tensors: Mapping[str, np.ndarray]) -> ModelInfo:
    """What is known of a checkpoint that is opened without being kept."""
    name = path.stem[:64] or "model"
    card = {"name": name, "title": name, "family": config.family, "config": config.to_dict()}
    card["weights_sha256"] = weights_sha256(tensors)
    # No graphs lie beside a checkpoint, so the folder is only where messages point to.
    return replace(info_of(path, card, bundled=False), folder=path)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read: {str(error)[:120]}.") from error
