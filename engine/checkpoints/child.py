"""Reads a checkpoint in a process of its own, with limits on memory and time.

What comes back passes through files that cannot hold code: tensors as safetensors, the rest as
JSON. A child that dies, runs out of memory or takes too long is a refusal like any other.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.checkpoints.read import read_raw
from engine.checkpoints.safetensors_file import read_safetensors, write_safetensors
from engine.errors import CheckpointError

MORE_MEMORY = 512 * 2**20  # beside what the file itself takes, a few times over
COPIES = 6
BASE_MEMORY = 1536 * 2**20  # address space of Python and numpy with their threads
SECONDS = 10.0
SECONDS_A_GIGABYTE = 30.0
SEPARATOR = "\x1f"


def read_apart(path: Path) -> RawCheckpoint:
    """As `read_raw`, in a child process. Raises CheckpointError."""
    if path.is_dir() or path.suffix.lower() == ".safetensors":
        return read_raw(path)  # plain data behind a strict reader: nothing to fear there
    size = path.stat().st_size if path.is_file() else 0
    limit_s = SECONDS + SECONDS_A_GIGABYTE * size / 2**30
    with tempfile.TemporaryDirectory(prefix="atelier-checkpoint-") as folder:
        command = [sys.executable, "-c", _PROGRAM, str(path.resolve()), folder]
        root = str(Path(__file__).resolve().parents[2])
        memory = BASE_MEMORY + MORE_MEMORY + COPIES * size
        try:
            done = subprocess.run(
                [*command, str(memory), root], capture_output=True, timeout=limit_s, cwd=folder
            )
        except subprocess.TimeoutExpired as error:
            raise CheckpointError(
                f"{path.name} could not be read within {limit_s:.0f} s.",
                "It was made to mislead, or the machine is very busy; try again.",
            ) from error
        return _result(Path(folder), path.name, done.returncode)


_PROGRAM = """
import sys
path, folder, memory, root = sys.argv[1:]
sys.path.insert(0, root)
from engine.checkpoints.child import answer
answer(path, folder, int(memory))
"""


def answer(path: str, folder: str, memory: int) -> None:
    """What the child does: read, and leave the answer in the folder."""
    _limit_memory(memory)
    out = Path(folder)
    try:
        raw = read_raw(Path(path))
        tensors = {
            f"{index}{SEPARATOR}{name}": np.array(array, order="C")
            for index, network in enumerate(raw.networks)
            for name, array in network.tensors.items()
        }
        beside = {k: v for k, v in raw.extra.items() if isinstance(v, np.ndarray)}
        tensors |= {f"extra{SEPARATOR}{name}": array for name, array in beside.items()}
        values = {k: v for k, v in raw.extra.items() if k not in beside}
        write_safetensors(out / "tensors", {_safe(k): v for k, v in tensors.items()})
        told: dict[str, Any] = {
            "format": raw.format,
            "sha256": raw.source_sha256,
            "networks": [[one.name, one.class_name, dict(one.init)] for one in raw.networks],
            "extra": values,
        }
    except CheckpointError as error:
        told = {"what": error.what, "remedy": error.remedy}
    (out / "told").write_text(json.dumps(told), encoding="utf-8")


def _limit_memory(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; time is limited there all the same
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _result(folder: Path, where: str, code: int) -> RawCheckpoint:
    try:
        told = json.loads((folder / "told").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{where} could not be read: the reader ran out of memory or stopped ({code}).",
            "The file is damaged or made to mislead; get it from its authors.",
        ) from error
    if "what" in told:
        raise CheckpointError(told["what"], told["remedy"])
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name, array in read_safetensors(folder / "tensors").items():
        group, _, own = _plain(name).partition(SEPARATOR)
        parts.setdefault(group, {})[own] = np.array(array)
    networks = tuple(
        RawNetwork(name, title, parts.get(str(index), {}), init)
        for index, (name, title, init) in enumerate(told["networks"])
    )
    extra = {**told["extra"], **parts.get("extra", {})}
    return RawCheckpoint(told["format"], networks, extra, told["sha256"])


def _safe(name: str) -> str:
    """A name as the strict format takes it: odd characters escaped."""
    return json.dumps(name)[1:-1]


def _plain(name: str) -> str:
    plain = json.loads(f'"{name}"')
    assert isinstance(plain, str)
    return plain
