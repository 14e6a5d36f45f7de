"""Lessons of an upsampler: crops of portraits, halved, with noise in what it enlarges (Ho et al.,
2021, section 4)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.diffusion.enlarge import MOST_LEVEL, completed, left_out
from engine.diffusion.schedule import to_x0
from engine.training.diffusion_run import DiffusionRun
from engine.training.diffusion_sheet import Conditions
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.noised_run import Noised
from engine.training.perceptual import PerceptualLoss

FEATURED = 0.3  # of the images, before what is made is also looked at
PERCEPTUAL = 0.2  # what that counts (as in Lin and Yang, 2023: pictures come out clear)
LOOKED_AT = 3 / 2  # pixels that the network that looks is given for one


class UpsampleRun(DiffusionRun):
    """What plain enlarging leaves out; see enlarge.py."""

    def __init__(self, spec: TrainDiffusion, pictures: np.ndarray, labels: np.ndarray) -> None:
        super().__init__(spec, pictures, labels)
        size = round(LOOKED_AT * (spec.crop or spec.size_px))
        self.eye = PerceptualLoss(self.hardware.device, size)

    def examples(self) -> tuple[Tensor, Conditions]:
        """What is left out of pictures, and the small ones with their noise."""
        x0 = self._cropped(self.clean(self.rows()))
        share = torch.rand(len(x0), generator=self.rng)
        # Much noise in what is enlarged would drown all else in the loss.
        level = (share.square() * MOST_LEVEL * len(self.alphas)).long()
        alpha, sigma = (
            part[level.to(part.device)].cpu()[:, None, None, None]
            for part in (self.alphas, self.sigmas)
        )
        small = F.avg_pool2d(x0, 2)
        low = alpha * small + sigma * self.noise(small)
        return left_out(x0, low / alpha), {"low": low, "level": level.float()}

    def besides(self, seen: Noised, out: Tensor, told: Conditions) -> Tensor:
        """How unlike the pictures look, when the first lessons are over."""
        if self.images < FEATURED * self.spec.images:
            return out.new_zeros(())
        x0 = to_x0(self.spec.prediction, out, seen.x, seen.alpha, seen.sigma)
        small = told["low"] / self.alphas[told["level"].long()][:, None, None, None]
        return PERCEPTUAL * self.eye(completed(x0, small), completed(seen.x0, small))

    def asked(self) -> tuple[Conditions, ...]:
        """Nothing; the sheet enlarges."""
        return ()

    def _cropped(self, x0: Tensor) -> Tensor:
        crop = self.spec.crop
        if crop is None:
            return x0
        places = torch.randint(0, (x0.shape[-1] - crop) // 2 + 1, (2,), generator=self.rng)
        top, left = (2 * int(place) for place in places)
        return x0[:, :, top : top + crop, left : left + crop]
