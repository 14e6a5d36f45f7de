"""Trains a diffusion model on Portraits: Algorithm 1 of Ho et al. (2020), made economical.

The work folder holds `checkpoint.pt` (everything to go on from), `unet.safetensors` (float16, the
moving average), `metrics.jsonl` and `sheets/`. A run that finds a checkpoint goes on with it, and
every random number is drawn from a generator whose state the checkpoint keeps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.cancel import CancelToken
from engine.diffusion.schedule import min_snr_weights, target
from engine.diffusion.unet import PixelUNet
from engine.errors import TrainingError
from engine.portraits.attributes import sample
from engine.portraits.classes import NO_CLASS, class_of
from engine.training.cache import Source, default_folder, drawn_pictures, portraits_source
from engine.training.checkpoint import load_state, save_state, save_weights
from engine.training.diffusion_sheet import write_sheet
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.ema import ema_keep, ema_update
from engine.training.hardware import choose_hardware, keep_freed_memory
from engine.training.progress import Progress, append_line, trim_lines

OnProgress = Callable[[Progress], None]
WEIGHTS = "unet.safetensors"
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
    run = DiffusionRun(spec, pictures, labels)
    run.restore()
    while not cancel.cancelled and run.images < spec.images:
        if spec.minutes is not None and time.monotonic() - started > 60 * spec.minutes:
            break
        run.step()
        run.housekeeping(on_progress)
    run.keep()
    run.draw()
    return spec.work / WEIGHTS


class DiffusionRun:
    """The network, its average, the optimiser and the counter of one run."""

    def __init__(self, spec: TrainDiffusion, pictures: np.ndarray, labels: np.ndarray) -> None:
        self.spec = spec
        self.pictures, self.labels = pictures, torch.from_numpy(labels)
        self.clear = (self.labels != NO_CLASS).nonzero()[:, 0]
        self.named = torch.ones(spec.batch, dtype=torch.bool)
        self.hardware = choose_hardware(spec.device)
        device = self.hardware.device
        torch.manual_seed(spec.seed)
        self.net = PixelUNet(spec.unet).to(device, memory_format=torch.channels_last)
        self.average = deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), spec.learning_rate, (0.9, 0.99), weight_decay=1e-3
        )
        schedule = spec.schedule
        weights = min_snr_weights(schedule, spec.prediction, spec.gamma)
        self.alphas, self.sigmas, self.weights = (
            torch.tensor(values, dtype=torch.float32, device=device)
            for values in (schedule.alphas, schedule.sigmas, weights)
        )
        self.rng = torch.Generator().manual_seed(spec.seed)
        self.images, self.seconds_before = 0, 0.0
        self.since = self.tick = self.kept = self.drawn = time.monotonic()
        self.tick_images = 0
        self.losses: list[float] = []

    @property
    def seconds(self) -> float:
        """Training time of all sittings together."""
        return self.seconds_before + time.monotonic() - self.since

    def step(self) -> None:
        """One batch."""
        spec, device = self.spec, self.hardware.device
        x0, index = self._pictures()
        n = len(x0)
        # One timestep from each of n equal parts: the same expectation with less spread.
        t = ((torch.arange(n) + torch.rand(n, generator=self.rng)) / n * len(self.alphas)).long()
        eps = torch.randn(x0.shape, generator=self.rng)
        more = self._conditions(x0, index)
        x0, t, eps = x0.to(device), t.to(device), eps.to(device)
        alpha, sigma = self.alphas[t][:, None, None, None], self.sigmas[t][:, None, None, None]
        x = alpha * x0 + sigma * eps
        with self.hardware.casting():
            out = self.net(x, t.float(), **{name: part.to(device) for name, part in more.items()})
        wanted = target(spec.prediction, x0, eps, alpha, sigma)
        loss = (self.weights[t] * (out.float() - wanted).square().mean((1, 2, 3))).mean()
        for group in self.optimizer.param_groups:
            group["lr"] = spec.learning_rate * rate(self.images, spec.warm_up, spec.images)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.images += n
        ema_update(self.average, self.net, ema_keep(n, self.images, spec.ema_images, 0.1))
        self.losses.append(loss.item())

    def _pictures(self) -> tuple[Tensor, Tensor]:
        """x0 float32 [-1, 1] at the size that the network learns from, and the rows taken."""
        spec = self.spec
        index = torch.randint(0, len(self.pictures), (spec.batch,), generator=self.rng)
        if spec.unet.classes:
            # What a class is learnt from is clear; what faces are like in general, from them all.
            named = torch.rand(spec.batch, generator=self.rng) >= spec.dropout
            index = torch.where(named, self.clear[index % len(self.clear)], index)
            self.named = named
        taken = torch.from_numpy(self.pictures[index.numpy()])
        x0 = taken.float() / 127.5 - 1
        if spec.drawn_px > spec.unet.resolution:
            x0 = F.avg_pool2d(x0, spec.drawn_px // spec.unet.resolution)
        if spec.crop is not None:
            places = torch.randint(0, (x0.shape[-1] - spec.crop) // 2 + 1, (2,), generator=self.rng)
            top, left = (2 * int(place) for place in places)
            x0 = x0[:, :, top : top + spec.crop, left : left + spec.crop]
        return x0, index

    def _conditions(self, x0: Tensor, index: Tensor) -> dict[str, Tensor]:
        n, config = len(x0), self.spec.unet
        if config.upsamples:
            most = MOST_LEVEL * len(self.alphas)
            level = (torch.rand(n, generator=self.rng) * most).long()
            return {"low": self._noisy_low(x0, level), "level": level.float()}
        if not config.classes:
            return {}
        labels = torch.where(self.named, self.labels[index], config.classes)
        return {"c": F.one_hot(labels, config.classes + 1).float()}

    def _noisy_low(self, x0: Tensor, level: Tensor) -> Tensor:
        """The half-size picture with noise of its own (Ho et al., 2021, section 4)."""
        low = F.avg_pool2d(x0, 2)
        noise = torch.randn(low.shape, generator=self.rng)
        at = level.to(self.alphas.device)
        alpha, sigma = self.alphas[at].cpu(), self.sigmas[at].cpu()
        return alpha[:, None, None, None] * low + sigma[:, None, None, None] * noise

    def restore(self) -> None:
        """Go on where a checkpoint stands, where there is one. Raises TrainingError."""
        path = self.spec.work / "checkpoint.pt"
        if path.exists():
            state = load_state(path)
            try:
                for name in ("net", "average", "optimizer"):
                    getattr(self, name).load_state_dict(state[name])
                self.rng.set_state(state["rng"])
                self.images, self.seconds_before = int(state["images"]), float(state["seconds"])
            except (KeyError, RuntimeError, ValueError, TypeError) as error:
                raise TrainingError(
                    f"The run in {self.spec.work.name} has other sizes than those asked for.",
                    "Give another --work folder.",
                ) from error
        trim_lines(self.spec.work / "metrics.jsonl", self.images)
        self.tick_images = self.images

    def keep(self) -> None:
        """Write the checkpoint and the weights to ship."""
        work, state = self.spec.work, {"images": self.images, "seconds": self.seconds}
        networks: Iterable[tuple[str, Any]] = ((n, getattr(self, n)) for n in _STATEFUL)
        save_state(
            work / "checkpoint.pt",
            {**state, "rng": self.rng.get_state(), **{n: x.state_dict() for n, x in networks}},
        )
        facts = {name: str(round(value)) for name, value in state.items()}
        save_weights(work / WEIGHTS, self.average.unet, facts)
        self.kept = time.monotonic()

    def draw(self) -> None:
        """Write a sample sheet of the moving average."""
        write_sheet(self.spec, self.average, self.images, self.pictures)
        self.drawn = time.monotonic()

    def housekeeping(self, on_progress: OnProgress) -> None:
        """Tell, keep and draw, each in its own time."""
        now, spec = time.monotonic(), self.spec
        if now - self.tick >= spec.tick_s:
            speed = (self.images - self.tick_images) / (now - self.tick)
            loss = sum(self.losses) / len(self.losses)
            record = {"images": self.images, "seconds": round(self.seconds, 1)}
            more = {"loss": round(loss, 5), "images_per_s": round(speed, 1)}
            append_line(spec.work / "metrics.jsonl", record | more)
            left = (spec.images - self.images) / max(speed, 1e-9)
            if spec.minutes is not None:
                left = min(left, max(0.0, spec.minutes * 60 - (now - self.since)))
            words = f"{self.images} images, {speed:.1f} images/s, loss {loss:.4f}"
            fraction = self.images / spec.images
            on_progress(Progress(words, fraction, self.seconds, left))
            self.tick, self.tick_images, self.losses = now, self.images, []
        if now - self.kept >= spec.checkpoint_s:
            self.keep()
        if now - self.drawn >= spec.sheet_s:
            self.draw()


def rate(images: int, warm_up: int, total: int) -> float:
    """The learning rate's factor: up in a line, down by a cosine, a function of images alone."""
    if images < warm_up:
        return (images + 1) / warm_up
    done = min(1.0, (images - warm_up) / max(1, total - warm_up))
    return 0.5 * (1 + math.cos(math.pi * done))


_STATEFUL = ("net", "average", "optimizer")
