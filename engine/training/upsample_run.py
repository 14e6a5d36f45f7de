"""Lessons of an upsampler: crops of portraits, halved, with noise in what it enlarges (Ho et al.,
2021, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.diffusion.enlarge import MOST_LEVEL, completed, left_out
from engine.training.diffusion_run import DiffusionRun
from engine.training.diffusion_sheet import Conditions


class UpsampleRun(DiffusionRun):
    """What plain enlarging leaves out; see enlarge.py."""

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
        # Of bytes, as it is when used: what was lost by rounding is left out, too.
        small = (F.avg_pool2d(x0, 2) * 127.5 + 127.5).round() / 127.5 - 1
        low = alpha * small + sigma * self.noise(small)
        return left_out(x0, low / alpha), {"low": low, "level": level.float()}

    def pictured(self, x0: Tensor, told: Conditions) -> Tensor:
        """The large pictures."""
        alpha = self.alphas[told["level"].long()][:, None, None, None]
        return completed(x0, told["low"] / alpha)

    def _cropped(self, x0: Tensor) -> Tensor:
        crop = self.spec.crop
        if crop is None:
            return x0
        places = torch.randint(0, (x0.shape[-1] - crop) // 2 + 1, (2,), generator=self.rng)
        top, left = (2 * int(place) for place in places)
        return x0[:, :, top : top + crop, left : left + crop]
