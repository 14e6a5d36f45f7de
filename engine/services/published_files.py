"""Which files and folders hold published diffusion models, and what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from engine.cancel import CancelToken
from engine.checkpoints.raw import RawCheckpoint
from engine.checkpoints.refusal import naming
from engine.checkpoints.safetensors_file import tensor_names
from engine.checkpoints.torch_zip import pickle_of
from engine.models.published.pipeline_parts import INDEX, Pipeline
from engine.models.published.single_file import is_original


def is_pipeline_folder(path: Path) -> bool:
    """Whether a folder says that it holds a diffusion pipeline of any kind."""
    return "Pipeline" in _said(path / INDEX)


def _said(file: Path) -> str:
    """The class of diffusers that a file of JSON names; "" for none."""
    try:
        plain = json.loads(file.read_bytes()[:1_000_000])
    except (OSError, ValueError, RecursionError):
        return ""
    return str(plain.get("_class_name")) if isinstance(plain, dict) else ""


def is_control_folder(path: Path) -> bool:
    """Whether a folder's config names a ControlNet."""
    from engine.models.published.control import KIND

    return _said(path / "config.json") == KIND


def is_single_file(path: Path) -> bool:
    """Whether a file holds an original Stable Diffusion, by the names of its tensors."""
    return path.suffix == ".safetensors" and path.is_file() and is_original(tensor_names(path))


def is_guided_file(path: Path) -> bool:
    """Whether a file holds a network of guided diffusion, by the names of its tensors. Of an
    archive of torch they are looked for in its pickle, which is not run."""
    from engine.models.diffusion.adm_config import MARKS, is_adm

    if not path.is_file():
        return False
    if path.suffix == ".safetensors":
        return is_adm(tensor_names(path))
    if path.suffix not in (".pt", ".pth"):
        return False
    text = pickle_of(path)
    return all(mark.encode() in text for mark in MARKS)


def read_published(path: Path, cancel: CancelToken) -> Pipeline | None:
    """What is there, read safely; None for something else, and for one file of Stable Diffusion,
    which needs words from elsewhere. Raises CheckpointError or ModelError."""
    from engine.checkpoints.read import read_raw
    from engine.models.published.control import read_control
    from engine.models.published.guided_diffusion import read_guided
    from engine.models.published.pipelines import read_pipeline

    kinds: tuple[tuple[Callable[[Path], bool], Callable[[RawCheckpoint], Pipeline]], ...] = (
        (is_pipeline_folder, lambda raw: read_pipeline(path, raw)),
        (is_control_folder, lambda raw: read_control(path, raw)),
        (is_guided_file, lambda raw: read_guided(raw, path)),
    )
    read = next((read for known, read in kinds if known(path)), None)
    if read is None:
        return None
    with naming(path.name):
        return read(read_raw(path, cancel))
