"""Reads a folder of weights, such as diffusers writes: .safetensors files and JSON, nothing else.

A folder with a program or a pickle in it is refused whole, because other programs would run it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.checkpoints.refusal import DAMAGED, UNSAFE, refuse, shown
from engine.checkpoints.safetensors_file import read_safetensors

MAX_FILES = 500
MAX_DEPTH = 3
MAX_JSON_BYTES = 4 * 2**20
_WEIGHTS, _INDEX = ".safetensors", ".safetensors.index.json"
_PROGRAMS = frozenset({".py", ".pyc", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".pkl",
                       ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".npy", ".npz",
                       ".msgpack", ".h5", ".zip"})  # fmt: skip


def read_folder(path: Path) -> RawCheckpoint:
    """One network for each folder that has weights; init is its config.json.

    Raises Refusal, and CheckpointError that names the file within.
    """
    files = sorted(_plain_files(path))
    weights = [file for file in files if file.name.endswith(_WEIGHTS)]
    if not weights:
        refuse("the folder holds no .safetensors file", "Choose the folder with the weights.")
    for file in files:
        if file.name.endswith(_INDEX):
            _check_index(file)
    networks = []
    digest = hashlib.sha256()
    for place in dict.fromkeys(file.parent for file in weights):
        name = place.relative_to(path).as_posix() if place != path else ""
        config = read_json(place / "config.json") if place / "config.json" in files else {}
        kind = config.get("_class_name", "")
        tensors = _tensors([file for file in weights if file.parent == place], digest)
        networks.append(RawNetwork(name, kind if type(kind) is str else "", tensors, config))
    return RawCheckpoint("folder", tuple(networks), {}, digest.hexdigest())


def _plain_files(path: Path, depth: int = 0) -> Iterator[Path]:
    entries = list(path.iterdir())
    if depth > MAX_DEPTH or len(entries) > MAX_FILES:
        refuse("the folder is too deep or holds too many files", "Choose the folder of one model.")
    for entry in entries:
        if entry.is_symlink():
            refuse(f"the folder has a link, {shown(entry.name)}", "Replace it by the file itself.")
        if entry.is_dir():
            if not entry.name.startswith("."):
                yield from _plain_files(entry, depth + 1)
        elif entry.suffix.lower() in _PROGRAMS:
            refuse(f"the folder holds {shown(entry.name)}, a program or a pickle", UNSAFE)
        else:
            yield entry


def _tensors(files: list[Path], digest: Any) -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {}
    for file in files:
        part = read_safetensors(file)
        if set(part) & set(tensors):
            refuse(f"{shown(file.name)} repeats tensors of another file", DAMAGED)
        tensors |= part
        with file.open("rb") as stream:
            own = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{own} {file.name}\n".encode())
    return tensors


def _check_index(file: Path) -> None:
    """Refuse an index that sends its reader to files elsewhere."""
    named = read_json(file).get("weight_map")
    if type(named) is not dict:
        refuse(f"{shown(file.name)} is no index of weights")
    for place in {str(place) for place in named.values()}:
        plain = PurePosixPath(place).name == place and "\\" not in place and ":" not in place
        if not plain or not place.endswith(_WEIGHTS):
            refuse(f"{shown(file.name)} sends its reader to {shown(place)!r}", UNSAFE)
        if not (file.parent / place).is_file():
            refuse(f"{shown(place)} is missing from the folder", "Fetch the folder again.")


def read_json(file: Path) -> dict[str, Any]:
    """The object that a small file of JSON holds. Raises Refusal, OSError."""
    if file.stat().st_size > MAX_JSON_BYTES:
        refuse(f"{shown(file.name)} is too large")
    try:
        value = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        refuse(f"{shown(file.name)} is no JSON")
    if type(value) is not dict:
        refuse(f"{shown(file.name)} holds no object")
    return value
