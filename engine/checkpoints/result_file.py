"""The inert way back from the child process: a JSON file and a strict .safetensors file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.contents import Contents
from engine.checkpoints.inert_values import Array
from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.checkpoints.refusal import refuse, shown
from engine.checkpoints.safetensors_file import read_safetensors, write_safetensors

RESULT, REFUSAL, CHECKED, TENSORS = "result.json", "refusal.json", "checked", "values.safetensors"


def write_result(folder: Path, form: str, contents: Contents, sha256: str) -> None:
    """Write everything into the folder; values that are not finite are refused by name."""
    arrays: dict[str, np.ndarray] = {}

    def keep(name: str, array: Array) -> str:
        key = f"t{len(arrays)}"
        arrays[key] = _finite(name, array.to_numpy())
        return key

    networks = [
        {
            "name": network.name,
            "class_name": network.class_name,
            "init": network.init,
            "tensors": {name: keep(name, array) for name, array in network.arrays.items()},
        }
        for network in contents.networks
    ]
    result = {
        "format": form,
        "networks": networks,
        "extra": contents.values,
        "extra_tensors": {name: keep(name, array) for name, array in contents.arrays.items()},
        "sha256": sha256,
    }
    write_safetensors(folder / TENSORS, arrays)
    (folder / RESULT).write_text(json.dumps(result, allow_nan=False), encoding="utf-8")


def read_result(folder: Path) -> RawCheckpoint:
    """What write_result wrote."""
    result: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    arrays = read_safetensors(folder / TENSORS)

    def found(keys: dict[str, str]) -> dict[str, np.ndarray]:
        return {name: arrays[key] for name, key in keys.items()}

    return RawCheckpoint(
        result["format"],
        tuple(
            RawNetwork(one["name"], one["class_name"], found(one["tensors"]), one["init"])
            for one in result["networks"]
        ),
        {**result["extra"], **found(result["extra_tensors"])},
        result["sha256"],
    )


def _finite(name: str, array: np.ndarray) -> np.ndarray:
    # The least and the greatest value tell it without a second array of truth values.
    if array.dtype.kind == "f" and array.size:
        ends = float(array.min()), float(array.max())
        if not all(map(math.isfinite, ends)):
            refuse(f"the tensor {shown(name)!r} holds values that are not finite")
    return array
