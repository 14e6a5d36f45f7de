"""Brings what is no generator here: diffusion models and classifiers, pipelines, CLIPs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.diffusion.schedule import Prediction
from engine.errors import UsageError
from engine.frame import OnProgress
from engine.services.clips import import_clip, is_clip_folder
from engine.services.import_diffusion import import_diffusion, is_diffusion_folder
from engine.services.import_pipeline import import_pipeline, import_single_file
from engine.services.published_files import (
    is_control_folder,
    is_guided_file,
    is_pipeline_folder,
    is_single_file,
)
from engine.services.worker_quirks import leave_tqdm_alone

_KINDS: tuple[tuple[Callable[[Path], bool], Callable[..., Any], str], ...] = (
    (is_clip_folder, import_clip, "a CLIP, for texts"),
    (is_pipeline_folder, import_pipeline, "a diffusion model, for Diffuse"),
    (is_control_folder, import_pipeline, "a ControlNet, for --control and Diffuse"),
    (is_guided_file, import_pipeline, "guided diffusion or GLIDE, for Diffuse"),
    (is_diffusion_folder, import_diffusion, "a part of diffusion, for Diffuse"),
)


def is_other(path: Path) -> bool:
    """Whether a path is one of these. Raises ModelError for a damaged card."""
    return is_single_file(path) or any(known(path) for known, _, _ in _KINDS)


def import_other(
    home: Path,
    path: Path,
    name: str | None,
    progress: OnProgress,
    cancel: CancelToken,
    predicts: Prediction | None = None,
) -> str:
    """Keep it; returns what it is, in words. predicts: what a file cannot tell, see
    read_single_file. Raises CheckpointError or ModelError, UsageError for a word too many."""
    leave_tqdm_alone()
    if is_single_file(path):
        card = import_single_file(home, path, name, progress, cancel, predicts)
        return f"{card['name']}: a diffusion model, for Diffuse"
    if predicts is not None:
        raise UsageError("--predicts is for one file of Stable Diffusion; others tell it.")
    keep, words = next((keep, words) for known, keep, words in _KINDS if known(path))
    found = keep(home, path, name, progress, cancel)
    chosen = found["name"] if isinstance(found, dict) else found.name
    return f"{chosen}: {words}"
