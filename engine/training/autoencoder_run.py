"""A run of the autoencoder of the latent models: pictures to codes of a quarter of their side.

The codes are those of Rombach et al. (2022, section 3.1): hardly regularised, so that they keep
what a picture needs, and brought to unit deviation by one factor. Pixels are compared as they are
and through a network trained on photographs, with a rival beside (see `Onlooker`).
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional as F

from engine.training.checkpoint import load_state, save_state
from engine.training.ema import ema_keep, ema_update
from engine.training.hardware import choose_hardware
from engine.training.onlooker import Onlooker
from engine.training.regression import one_cycle

STATE = "autoencoder.pt"
MEASURED = 512  # pictures that the codes' deviation is measured on
SETTINGS: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "block_out_channels": [32, 48, 64],
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 8,
    "sample_size": 64,
    "mid_block_add_attention": False,
}


@dataclass(frozen=True)
class AutoencoderSpec:
    """One run. steps: batches in all. perceptual, rivalry, divergence: what the feature distance,
    the rival, and the codes' distance from a normal distribution count beside pixels.
    portraits: how many are drawn. featured: from which share of the steps on features count.
    looked_px: the size that features are of. start: folder of the one whose decoder is taught
    further, see decoder_run.py; None for a new one."""

    work: Path
    steps: int = 4_000
    batch: int = 16
    rate: float = 2e-3
    rival_rate: float = 1e-3
    perceptual: float = 0.15
    rivalry: float = 0.05
    divergence: float = 1e-5
    featured: float = 0.4
    looked_px: int = 64
    start: Path | None = None
    ema_images: int = 4_000
    portraits: int = 40_000
    data_seed: int = 0
    seed: int = 0
    minutes: float | None = None
    device: str = "auto"
    cache: Path | None = None

    @property
    def size_px(self) -> int:
        """The side of the pictures."""
        return int(SETTINGS["sample_size"])


class AutoencoderRun:
    """The autoencoder, its average, the rival, their optimisers and the counter."""

    def __init__(self, spec: AutoencoderSpec, pictures: np.ndarray) -> None:
        self.spec, self.pictures = spec, pictures
        self.hardware = choose_hardware(spec.device)
        device = self.hardware.device
        torch.manual_seed(spec.seed)
        self.net: Any = self.network().to(device, memory_format=torch.channels_last)
        self.average: Any = deepcopy(self.net).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            [part for part in self.net.parameters() if part.requires_grad],
            spec.rate, (0.9, 0.99), weight_decay=1e-3,
        )  # fmt: skip
        self.onlooker = Onlooker(
            device, spec.perceptual, spec.rivalry, spec.looked_px, spec.rival_rate
        )
        self.rng = torch.Generator().manual_seed(spec.seed)
        self.steps = 0

    def step(self, done: float) -> float:
        """One batch at that share of the run; returns the mean squared error of the pixels."""
        spec, device = self.spec, self.hardware.device
        for group in self.optimiser.param_groups:
            group["lr"] = spec.rate * one_cycle(done)
        rows = torch.randint(0, len(self.pictures), (spec.batch,), generator=self.rng)
        real = torch.from_numpy(self.pictures[rows.numpy()]).to(device).float() / 127.5 - 1
        with self.hardware.casting():
            made, strayed = self.again(rows, real)
            loss = (made - real).abs().mean() + spec.divergence * strayed
            if done >= spec.featured:
                loss = loss + self.onlooker.unlike(made, real)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.onlooker.learn()
        self.steps += 1
        images = self.steps * spec.batch
        ema_update(self.average, self.net, ema_keep(spec.batch, images, spec.ema_images, 0.1))
        return float(F.mse_loss(made.detach(), real))

    def network(self) -> Any:
        """What is taught, of it what has a gradient."""
        return AutoencoderKL(**SETTINGS)

    def again(self, rows: Tensor, real: Tensor) -> tuple[Tensor, Tensor | float]:
        """Pictures of these rows out of their codes, and how far those are from a normal
        distribution."""
        found = self.net.encode(real.contiguous(memory_format=torch.channels_last)).latent_dist
        return self.net.decode(found.sample()).sample.float(), found.kl().mean()

    def keep(self) -> None:
        """Write the checkpoint."""
        parts = {name: part.state_dict() for name, part in self._stateful().items()}
        save_state(
            self.spec.work / STATE, {"steps": self.steps, "rng": self.rng.get_state(), **parts}
        )

    def restore(self) -> None:
        """Go on where a checkpoint stands, where there is one. Raises TrainingError."""
        path = self.spec.work / STATE
        if path.is_file():
            state = load_state(path)
            for name, part in self._stateful().items():
                part.load_state_dict(state[name])
            self.rng.set_state(state["rng"])
            self.steps = int(state["steps"])

    def settings(self) -> dict[str, Any]:
        """Of diffusers' class, for the average."""
        return {**SETTINGS, "scaling_factor": round(self._factor(), 5)}

    @torch.no_grad()
    def _factor(self) -> float:
        """What brings the codes of the average to unit deviation."""
        device = self.hardware.device
        few = torch.from_numpy(np.array(self.pictures[:MEASURED])).to(device).float() / 127.5 - 1
        codes = torch.cat(
            [
                self.average.encode(few[i : i + 64]).latent_dist.mode()
                for i in range(0, MEASURED, 64)
            ]
        )
        return float(1 / codes.std())

    def _stateful(self) -> dict[str, Any]:
        own = {"net": self.net, "average": self.average, "optimiser": self.optimiser}
        return own | self.onlooker.stateful()
