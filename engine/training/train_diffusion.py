"""Trains a diffusion model on Portraits: Algorithm 1 of Ho et al. (2020), made economical.

The work folder holds `checkpoint.pt` (everything to go on from), `weights.safetensors` (float16,
the moving average), `metrics.jsonl` and `sheets/`. A run that finds a checkpoint goes on with it.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.cancel import CancelToken
from engine.diffusion.schedule import min_snr_weights, target
from engine.diffusion.unet import PixelUNet
from engine.errors import TrainingError
from engine.perception.noisy_classifier import NoisyClassifier, NoisyClassifierConfig
from engine.perception.noisy_clip import NoisyClipConfig
from engine.portraits.attributes import sample
from engine.portraits.classes import class_of
from engine.training.cache import Source, default_folder, drawn_pictures, portraits_source
from engine.training.diffusion_sheet import write_sheet
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.hardware import keep_freed_memory
from engine.training.noised_run import WEIGHTS, NoisedRun, OnProgress
from engine.training.noisy_clip_run import NoisyClipRun
from engine.training.progress import Progress

MOST_LEVEL = 0.5  # of the noise added to what an upsampler enlarges, as a share of all timesteps


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
    run = _run(spec, pictures, labels)
    run.restore()
    while not cancel.cancelled and run.images < spec.images:
        if spec.minutes is not None and time.monotonic() - started > 60 * spec.minutes:
            break
        run.step()
        run.housekeeping(on_progress)
    run.keep()
    run.draw()
    return spec.work / WEIGHTS


def _run(spec: TrainDiffusion, pictures: np.ndarray, labels: np.ndarray) -> NoisedRun:
    if isinstance(spec.reader, NoisyClipConfig):
        return NoisyClipRun(spec, spec.reader, pictures, labels)
    if spec.reader is not None:
        return ClassifierRun(spec, spec.reader, pictures, labels)
    return DiffusionRun(spec, pictures, labels)


class DiffusionRun(NoisedRun):
    """A U-Net that makes pictures, from classes or from smaller pictures."""

    def __init__(self, spec: TrainDiffusion, pictures: np.ndarray, labels: np.ndarray) -> None:
        super().__init__(spec, PixelUNet(spec.unet), pictures, labels)
        weights = min_snr_weights(spec.schedule, spec.prediction, spec.gamma)
        self.weights = torch.tensor(weights, dtype=torch.float32, device=self.alphas.device)

    def loss(self) -> Tensor:
        """Algorithm 1, for any prediction, weighted by min-SNR."""
        spec, device = self.spec, self.alphas.device
        x0, more = self._examples()
        seen = self.noised(x0)
        told = {name: part.to(device) for name, part in more.items()}
        with self.hardware.casting():
            out = self.net(seen.x, seen.t.float(), **told)
        wanted = target(spec.prediction, seen.x0, seen.eps, seen.alpha, seen.sigma)
        loss: Tensor = self.weights[seen.t] * (out.float() - wanted).square().mean((1, 2, 3))
        return loss.mean()

    def draw(self) -> None:
        """A sample sheet."""
        write_sheet(self.spec, self.average, self.images, self.pictures)

    def _examples(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Pictures, and what the network is told of them."""
        spec = self.spec
        index, n = self.rows(), spec.batch
        if spec.unet.upsamples:
            x0 = self._cropped(self.clean(index))
            level = (torch.rand(n, generator=self.rng) * MOST_LEVEL * len(self.alphas)).long()
            return x0, {"low": self._noisy_low(x0, level), "level": level.float()}
        if not spec.unet.classes:
            return self.clean(index), {}
        # What a class is learnt from is clear; what faces are like in general, from all of them.
        named = torch.rand(n, generator=self.rng) >= spec.dropout
        index = torch.where(named, self.clear[index % len(self.clear)], index)
        labels = torch.where(named, self.labels[index], spec.unet.classes)
        return self.clean(index), {"c": F.one_hot(labels, spec.unet.classes + 1).float()}

    def _cropped(self, x0: Tensor) -> Tensor:
        crop = self.spec.crop
        if crop is None:
            return x0
        places = torch.randint(0, (x0.shape[-1] - crop) // 2 + 1, (2,), generator=self.rng)
        top, left = (2 * int(place) for place in places)
        return x0[:, :, top : top + crop, left : left + crop]

    def _noisy_low(self, x0: Tensor, level: Tensor) -> Tensor:
        """The half-size picture with noise of its own (Ho et al., 2021, section 4)."""
        low = F.avg_pool2d(x0, 2)
        at = level.to(self.alphas.device)
        alpha, sigma = self.alphas[at].cpu(), self.sigmas[at].cpu()
        return alpha[:, None, None, None] * low + sigma[:, None, None, None] * self.noise(low)


class ClassifierRun(NoisedRun):
    """The noise-aware classifier: yes or no on every question, at every timestep."""

    def __init__(
        self,
        spec: TrainDiffusion,
        reader: NoisyClassifierConfig,
        pictures: np.ndarray,
        labels: np.ndarray,
    ) -> None:
        super().__init__(spec, NoisyClassifier(reader), pictures, labels)

    def draw(self) -> None:
        """It answers, and makes no pictures."""

    def loss(self) -> Tensor:
        """The mean cross-entropy of the answers on pictures whose class is clear."""
        device = self.alphas.device
        index = self.clear[self.rows() % len(self.clear)]
        seen = self.noised(self.clean(index))
        with self.hardware.casting():
            logits = self.net(seen.x, seen.t.float())
        places = torch.arange(logits.shape[1] - 1, -1, -1)
        bits = (self.labels[index][:, None] >> places) & 1
        return F.binary_cross_entropy_with_logits(logits.float(), bits.float().to(device))
