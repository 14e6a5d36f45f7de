"""What every run on noised Portraits shares: batches, timesteps, average, checkpoint, telling."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import TrainingError
from engine.portraits.classes import NO_CLASS
from engine.training.checkpoint import load_state, save_state, save_weights
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.ema import ema_keep, ema_update
from engine.training.hardware import choose_hardware
from engine.training.progress import Progress, append_line, trim_lines

OnProgress = Callable[[Progress], None]
WEIGHTS = "weights.safetensors"


class Noised(NamedTuple):
    """Clean pictures, what noise made of them, and what made it: x = alpha x0 + sigma eps at t."""

    x0: Tensor
    x: Tensor
    t: Tensor
    eps: Tensor
    alpha: Tensor
    sigma: Tensor


class NoisedRun(ABC):
    """The network, its average, the optimiser and the counter of one run.

    Every random number comes from `rng`, whose state the checkpoint keeps.
    """

    def __init__(
        self, spec: TrainDiffusion, network: nn.Module, pictures: np.ndarray, labels: np.ndarray
    ) -> None:
        self.spec = spec
        self.pictures, self.labels = pictures, torch.from_numpy(labels)
        self.clear = (self.labels != NO_CLASS).nonzero()[:, 0]
        self.hardware = choose_hardware(spec.device)
        device = self.hardware.device
        self.net = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), spec.learning_rate, (0.9, 0.99), weight_decay=1e-3
        )
        self.alphas, self.sigmas = (
            torch.tensor(values, dtype=torch.float32, device=device)
            for values in (spec.schedule.alphas, spec.schedule.sigmas)
        )
        self.ratios = torch.tensor(spec.schedule.sigmas / spec.schedule.alphas).float()
        self.rng = torch.Generator().manual_seed(spec.seed)
        self.images, self.seconds_before = 0, 0.0
        self.since = self.tick = self.kept = self.drawn = time.monotonic()
        self.tick_images = 0
        self.losses: list[float] = []

    # --- what a kind of run says for itself

    @abstractmethod
    def loss(self) -> Tensor:
        """The loss of a fresh batch."""

    @abstractmethod
    def draw(self) -> None:
        """Write a sample sheet of the moving average, where there is something to see."""

    # --- one step

    def step(self) -> None:
        """One batch."""
        spec = self.spec
        for group in self.optimizer.param_groups:
            group["lr"] = spec.learning_rate * rate(self.images, spec.warm_up, spec.images)
        loss = self.loss()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.images += spec.batch
        keep = ema_keep(spec.batch, self.images, spec.ema_images, 0.1)
        ema_update(self.average, self.net, keep)
        self.losses.append(loss.item())

    def timesteps(self) -> Tensor:
        """One from each of as many equal parts as the batch has pictures: the same expectation
        as independent ones, with less spread."""
        n = self.spec.batch
        shares = (torch.arange(n) + torch.rand(n, generator=self.rng)) / n
        if self.spec.levels is None:
            return (shares * len(self.alphas)).long()
        mean, deviation = self.spec.levels
        wanted = torch.exp(mean + deviation * torch.special.ndtri(shares))
        return torch.searchsorted(self.ratios, wanted).clamp(max=len(self.ratios) - 1)

    def noise(self, like: Tensor) -> Tensor:
        """Fresh noise of that shape."""
        return torch.randn(like.shape, generator=self.rng)

    def noised(self, x0: Tensor) -> Noised:
        """Pictures at fresh timesteps, with fresh noise, where the networks are."""
        device = self.alphas.device
        t, eps = self.timesteps().to(device), self.noise(x0).to(device)
        x0 = x0.to(device)
        alpha, sigma = self.alphas[t][:, None, None, None], self.sigmas[t][:, None, None, None]
        return Noised(x0, alpha * x0 + sigma * eps, t, eps, alpha, sigma)

    def clean(self, index: Tensor) -> Tensor:
        """These pictures at the network's size, float32 [-1, 1]."""
        spec = self.spec
        x0 = torch.from_numpy(self.pictures[index.numpy()]).float() / 127.5 - 1
        if spec.drawn_px > spec.size_px:
            x0 = F.avg_pool2d(x0, spec.drawn_px // spec.size_px)
        return x0

    def rows(self) -> Tensor:
        """As many random rows as the batch has pictures."""
        return torch.randint(0, len(self.pictures), (self.spec.batch,), generator=self.rng)

    # --- the checkpoint, and what is told

    @property
    def seconds(self) -> float:
        """Training time of all sittings together."""
        return self.seconds_before + time.monotonic() - self.since

    def stateful(self) -> dict[str, Any]:
        """What a checkpoint keeps the state of."""
        return {"net": self.net, "average": self.average, "optimizer": self.optimizer}

    def restore(self) -> None:
        """Go on where a checkpoint stands, where there is one. Raises TrainingError."""
        path = self.spec.work / "checkpoint.pt"
        if path.exists():
            state = load_state(path)
            try:
                for name, part in self.stateful().items():
                    part.load_state_dict(state[name])
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
        parts = {name: part.state_dict() for name, part in self.stateful().items()}
        save_state(work / "checkpoint.pt", {**state, "rng": self.rng.get_state(), **parts})
        facts = {name: str(round(value)) for name, value in state.items()}
        save_weights(work / WEIGHTS, getattr(self.average, "unet", self.average), facts)
        self.kept = time.monotonic()

    def housekeeping(self, on_progress: OnProgress) -> None:
        """Tell, keep and draw, each in its own time."""
        now, spec = time.monotonic(), self.spec
        if now - self.tick >= spec.tick_s:
            self._tell(on_progress, now)
        if now - self.kept >= spec.checkpoint_s:
            self.keep()
        if now - self.drawn >= spec.sheet_s:
            self.draw()
            self.drawn = time.monotonic()

    def _tell(self, on_progress: OnProgress, now: float) -> None:
        spec = self.spec
        speed = (self.images - self.tick_images) / (now - self.tick)
        loss = sum(self.losses) / max(1, len(self.losses))
        record = {"images": self.images, "seconds": round(self.seconds, 1)}
        more = {"loss": round(loss, 5), "images_per_s": round(speed, 1)}
        append_line(spec.work / "metrics.jsonl", record | more)
        left = (spec.images - self.images) / max(speed, 1e-9)
        if spec.minutes is not None:
            left = min(left, max(0.0, spec.minutes * 60 - (now - self.since)))
        words = f"{self.images} images, {speed:.1f} images/s, loss {loss:.4f}"
        on_progress(Progress(words, self.images / spec.images, self.seconds, left))
        self.tick, self.tick_images, self.losses = now, self.images, []


def rate(images: int, warm_up: int, total: int) -> float:
    """The learning rate's factor: up in a line, down by a cosine, a function of images alone."""
    if images < warm_up:
        return (images + 1) / warm_up
    done = min(1.0, (images - warm_up) / max(1, total - warm_up))
    return 0.5 * (1 + math.cos(math.pi * done))
