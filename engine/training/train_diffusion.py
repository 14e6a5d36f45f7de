"""Trains a diffusion model on Portraits: Algorithm 1 of Ho et al. (2020), made economical.

The work folder holds `checkpoint.pt` (everything to go on from), `weights.safetensors` (float16,
the moving average), `metrics.jsonl` and `sheets/`. A run that finds a checkpoint goes on with it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from engine.cancel import CancelToken
from engine.errors import TrainingError
from engine.perception.noisy_clip import NoisyClipConfig
from engine.portraits.attributes import sample
from engine.portraits.classes import class_of
from engine.training.cache import Source, default_folder, drawn_pictures, portraits_source
from engine.training.diffusion_run import DiffusionRun
from engine.training.diffusion_spec import Lesson, TrainDiffusion
from engine.training.finetuning.control_run import EdgesRun, PoseRun
from engine.training.finetuning.instruction_run import InstructionRun
from engine.training.finetuning.like_run import LikeRun
from engine.training.finetuning.masked_run import MaskedRun
from engine.training.hardware import keep_freed_memory
from engine.training.latent_run import LatentRun
from engine.training.noised_run import WEIGHTS, NoisedRun, OnProgress
from engine.training.noisy_classifier_run import ClassifierRun
from engine.training.noisy_clip_run import NoisyClipRun
from engine.training.progress import Progress
from engine.training.text_run import TextRun
from engine.training.upsample_run import UpsampleRun

_OF_CODES: Mapping[Lesson, type[LatentRun]] = {
    "": LatentRun,
    "masked": MaskedRun,
    "instruction": InstructionRun,
    "like": LikeRun,
    "edges": EdgesRun,
    "pose": PoseRun,
}


def train(
    spec: TrainDiffusion,
    on_progress: OnProgress,
    cancel: CancelToken,
    source: Source | None = None,
) -> Path:
    """Train until the images are seen, the minutes are over, or `cancel` is set.

    Returns the path of the weights; each way of stopping writes a checkpoint first. source: what
    draws the pictures; None for Portraits. Raises TrainingError when the run cannot start,
    Cancelled while pictures are being drawn.
    """
    keep_freed_memory()
    started = time.monotonic()
    try:
        (spec.work / "sheets").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(
            f"The work folder {spec.work} cannot be made: {error.strerror}.", "Choose another one."
        ) from error
    pictures = drawn_pictures(
        source or portraits_source(),
        spec.cache or default_folder(),
        seed=spec.data_seed,
        count=spec.portraits,
        size=spec.drawn_px,
        cancel=cancel,
        on_drawn=lambda done, count: on_progress(
            Progress(f"Drawing portraits {done}/{count}", done / count, 0.0, None)
        ),
    )
    labels = class_of(sample(spec.data_seed, np.arange(spec.portraits)))
    torch.manual_seed(spec.seed)
    run = _run(spec, pictures, labels, on_progress, cancel)
    run.restore()
    while not cancel.cancelled and run.images < spec.images:
        if spec.minutes is not None and time.monotonic() - started > 60 * spec.minutes:
            break
        run.step()
        run.housekeeping(on_progress)
    run.keep()
    run.draw()
    return spec.work / WEIGHTS


def _run(
    spec: TrainDiffusion,
    pictures: np.ndarray,
    labels: np.ndarray,
    on_progress: OnProgress,
    cancel: CancelToken,
) -> NoisedRun:
    if isinstance(spec.reader, NoisyClipConfig):
        return NoisyClipRun(spec, spec.reader, pictures, labels)
    if spec.reader is not None:
        return ClassifierRun(spec, spec.reader, pictures, labels)
    if spec.autoencoder is not None:
        return _OF_CODES[spec.lesson](spec, pictures, labels, on_progress, cancel)
    if spec.unet.upsamples:
        return UpsampleRun(spec, pictures, labels, on_progress, cancel)
    if spec.unet.tokens:
        return TextRun(spec, pictures, labels)
    return DiffusionRun(spec, pictures, labels)
