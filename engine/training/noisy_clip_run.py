"""Teaches the noise-aware picture tower of a CLIP: what the CLIP sees of the clean picture, from
the noisy one.

The least squared error is the mean of what it may be, so that the dot product with a text is the
expected cosine (compare Nichol et al., 2021, section 2.4, who train on noised pictures anew).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.errors import TrainingError
from engine.perception.clip.model import Clip
from engine.perception.clip.open import open_clip
from engine.perception.noisy_clip import NoisyClip
from engine.store import replacing
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.noised_run import NoisedRun

BATCH = 200


class NoisyClipRun(NoisedRun):
    """The tower of a run, and the vectors that it is to guess."""

    def __init__(self, spec: TrainDiffusion, pictures: np.ndarray, labels: np.ndarray) -> None:
        if spec.clip is None or spec.teacher is None:
            raise TrainingError("A noise-aware CLIP is taught by a CLIP.", "Name its folder.")
        clip = open_clip(spec.teacher)
        config = replace(spec.clip, dim=clip.dim, clip=clip.sha256)
        super().__init__(spec, NoisyClip(config), pictures, labels)
        self.wanted = self._seen(clip)

    def draw(self) -> None:
        """It looks, and makes no pictures."""

    def loss(self) -> Tensor:
        """Squared distance from what the teacher sees of the clean picture, at every timestep."""
        device = self.alphas.device
        index = self.rows()
        x0 = self.clean(index).to(device)
        t, eps = self.timesteps().to(device), self.noise(x0).to(device)
        alpha, sigma = self.alphas[t][:, None, None, None], self.sigmas[t][:, None, None, None]
        with self.hardware.casting():
            found = self.net(alpha * x0 + sigma * eps, t.float())
        away: Tensor = found.float() - self.wanted[index].to(device)
        return away.square().sum(1).mean()

    @torch.no_grad()
    def _seen(self, clip: Clip) -> Tensor:
        """Unit vectors of every picture; looked at once for a run."""
        name = f"seen-{clip.sha256[:16]}-{self.spec.data_seed}-{len(self.pictures)}.npy"
        path = self.spec.work / name
        if path.is_file():
            return torch.from_numpy(np.load(path, allow_pickle=False))
        parts = []
        for start in range(0, len(self.pictures), BATCH):
            part = torch.from_numpy(np.array(self.pictures[start : start + BATCH]))
            parts.append(clip.embed_images(part.float() / 127.5 - 1.0))
        found = torch.cat(parts)
        with replacing(path) as file:
            np.save(file, found.numpy())
        return found
