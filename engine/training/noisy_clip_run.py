"""Teaches the noise-aware picture tower of a CLIP: what the CLIP sees of the clean picture, from
the noisy one.

The least squared error is the mean of what it may be, so that the dot product with a text is the
expected cosine (compare Nichol et al., 2021, section 2.4, who train on noised pictures anew).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from engine.errors import TrainingError
from engine.perception.clip.model import Clip
from engine.perception.clip.open import open_clip
from engine.perception.noisy_clip import NoisyClip, NoisyClipConfig
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.looked_once import looked_once
from engine.training.noised_run import NoisedRun


class NoisyClipRun(NoisedRun):
    """The tower of a run, and the vectors that it is to guess."""

    def __init__(
        self,
        spec: TrainDiffusion,
        reader: NoisyClipConfig,
        pictures: np.ndarray,
        labels: np.ndarray,
    ) -> None:
        if spec.teacher is None:
            raise TrainingError("A noise-aware CLIP is taught by a CLIP.", "Name its folder.")
        clip = open_clip(spec.teacher)
        config = replace(reader, dim=clip.dim, clip=clip.sha256)
        super().__init__(spec, NoisyClip(config), pictures, labels)
        self.wanted = self._seen(clip)

    def draw(self) -> None:
        """It looks, and makes no pictures."""

    def loss(self) -> Tensor:
        """Squared distance from what the teacher sees of the clean picture, at every timestep."""
        index = self.rows()
        seen = self.noised(self.clean(index))
        with self.hardware.casting():
            found = self.net(seen.x, seen.t.float())
        away: Tensor = found.float() - self.wanted[index].to(seen.x.device)
        return away.square().sum(1).mean()

    def _seen(self, clip: Clip) -> Tensor:
        """Unit vectors of every picture; looked at once for a run."""
        name = f"seen-{clip.sha256[:16]}-{self.spec.data_seed}-{len(self.pictures)}.npy"

        def look(part: Tensor) -> Tensor:
            return clip.embed_images(part.float() / 127.5 - 1.0)

        return looked_once(self.spec.work / name, self.pictures, look)
