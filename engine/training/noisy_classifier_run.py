"""A run of the noise-aware classifier: yes or no on every question, at every timestep."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.perception.noisy_classifier import NoisyClassifier, NoisyClassifierConfig
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.noised_run import NoisedRun


class ClassifierRun(NoisedRun):
    """The network and its loss."""

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
