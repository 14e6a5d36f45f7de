"""Brings what is no generator here: diffusion models and classifiers, pipelines, CLIPs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.frame import OnProgress
from engine.services.clips import import_clip, is_clip_folder
from engine.services.import_diffusion import import_diffusion, is_diffusion_folder
from engine.services.import_pipeline import import_pipeline, is_pipeline_folder
from engine.services.worker_quirks import leave_tqdm_alone

_KINDS: tuple[tuple[Callable[[Path], bool], Callable[..., Any], str], ...] = (
    (is_clip_folder, import_clip, "a CLIP, for texts"),
    (is_pipeline_folder, import_pipeline, "a diffusion model, for Diffuse"),
    (is_diffusion_folder, import_diffusion, "a part of diffusion, for Diffuse"),
)


def is_other(path: Path) -> bool:
    """Whether a path is one of these folders. Raises ModelError for a damaged card."""
    return path.is_dir() and any(known(path) for known, _, _ in _KINDS)


def import_other(
    home: Path, path: Path, name: str | None, progress: OnProgress, cancel: CancelToken
) -> str:
    """Keep it; returns what it is, in words. Raises CheckpointError or ModelError."""
    leave_tqdm_alone()
    keep, words = next((keep, words) for known, keep, words in _KINDS if known(path))
    found = keep(home, path, name, progress, cancel)
    chosen = found["name"] if isinstance(found, dict) else found.name
    return f"{chosen}: {words}"
