"""Directions as others publish them: InterFaceGAN's boundaries and GANSpace's components.

InterFaceGAN: `.npy`, float [1, dim] or [dim], a unit normal; "_w_" in its name means w, else z.
GANSpace: `.npz` with lat_comp [n, 1, dim] and lat_stdev [n], and the `.pkl` that its window
exports for one direction, which is read without running anything in it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.directions.direction_file import checked_bytes
from engine.directions.effects import Slider
from engine.errors import DirectionError
from engine.store import array_of

MOST = 64
Deviation = Callable[[str, Float[np.ndarray, " dim"]], float]


def read_published(path: Path, deviation: Deviation, count: int = 8) -> list[Slider]:
    """The directions of a published file, each one standard deviation long.

    deviation: gives the deviation of a model's z or w along a unit vector. count: how many
    GANSpace components are taken. Raises DirectionError for what is not read.
    """
    data = checked_bytes(path)
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            return [_boundary(path, _array(data), deviation)]
        if suffix == ".npz":
            return _components(path, data, count)
        if suffix == ".pkl":
            return [_exported(data)]
    except (ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile) as error:
        raise DirectionError(
            f"{path.name} holds no directions that are read here: {str(error)[:120]}.",
            "Choose an InterFaceGAN .npy or a GANSpace .npz or .pkl.",
        ) from error
    raise DirectionError(
        f"Directions are read from .safetensors, .npy, .npz and .pkl, got {suffix or 'no ending'}.",
        "Choose one of these.",
    )


def _boundary(path: Path, array: np.ndarray, deviation: Deviation) -> Slider:
    if array.ndim == 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 1 or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError(f"an array of shape {list(array.shape)} is no boundary")
    length = float(np.linalg.norm(array))
    if length == 0.0:
        raise ValueError("its normal is zero")
    unit = array.astype(np.float64) / length
    space = "w" if "_w_" in f"_{path.stem}_" else "z"
    name = path.stem.removesuffix("_boundary")
    vector = (unit * deviation(space, unit)).astype(np.float32)
    return Slider(name, vector, -3.0, 3.0, None, space, "an InterFaceGAN boundary")  # type: ignore[arg-type]


def _components(path: Path, data: bytes, count: int) -> list[Slider]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:

        def member(name: str) -> np.ndarray:
            info = archive.getinfo(f"{name}.npy")
            if info.file_size > 256_000_000:
                raise ValueError(f"{name} is too large")
            return _array(archive.read(info))

        comp, deviations = member("lat_comp"), member("lat_stdev").reshape(-1)
    comp = comp.reshape(comp.shape[0], -1)
    vectors = comp * deviations[:, None].astype(comp.dtype)
    if not np.isfinite(vectors).all():
        raise ValueError("its components are not finite")
    note = "a GANSpace component"
    return [
        Slider(f"{path.stem[:40]}-{i}", v.astype(np.float32), -3.0, 3.0, None, "w", note)
        for i, v in enumerate(vectors[: min(count, MOST)], 1)
    ]


def _exported(data: bytes) -> Slider:
    values = _unpickled(data)
    comp = values["lat_comp"].to_numpy().reshape(-1).astype(np.float64)
    vector = (comp * float(values["lat_stdev"])).astype(np.float32)
    span = abs(float(values.get("sigma_range", 3.0))) or 3.0
    start, end = int(values["edit_start"]), int(values["edit_end"])
    layers = tuple(range(start, min(end, 64)))
    if not layers or not np.isfinite(vector).all():
        raise ValueError("it moves no layer")
    space = "z" if str(values.get("latent_space", "W")).upper() == "Z" else "w"
    kept = None if space == "z" else layers
    name = str(values.get("name") or "component")[:40]
    return Slider(name, vector, -span, span, kept, space, "a GANSpace direction")  # type: ignore[arg-type]


def _unpickled(data: bytes) -> dict[str, Any]:
    from engine.checkpoints.inert_pickle import load
    from engine.checkpoints.pickle_ops import Budget
    from engine.checkpoints.refusal import Refusal

    try:
        values, _ = load(memoryview(data), 0, Budget())
    except Refusal as refusal:
        raise ValueError(str(refusal)) from refusal
    if not isinstance(values, dict):
        raise ValueError("it is no table of values")
    return values


def _array(data: bytes) -> np.ndarray:
    """A .npy of numbers, whichever of its two versions and byte order wrote it."""
    if data[:6] == b"\x93NUMPY" and data[6] in (1, 2) and data[:8] != b"\x93NUMPY\x01\x00":
        raise ValueError("it is .npy of version 2")
    return array_of(data)
