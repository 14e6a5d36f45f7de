"""Lessons of an upsampler: crops of portraits, halved, with noise in what it enlarges (Ho et al.,
2021, section 4). Most of what it enlarges is repainted by the base of its cascade, for that is
what it will be given: enlarged from drawn ones alone, pictures of the base came to a precision of
.10, where drawn ones came to .50."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.cancel import CancelToken
from engine.diffusion.enlarge import MOST_LEVEL, completed, left_out
from engine.training.checkpoint import save_array
from engine.training.diffusion_run import DiffusionRun
from engine.training.diffusion_sheet import Conditions
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.noised_run import OnProgress
from engine.training.progress import Progress
from engine.training.repainted import Repainter

REPAINTED, AT_ONCE = 12_000, 16  # portraits
AS_DRAWN = 0.25  # the share of what it is shown as drawn
KEPT = "repainted.npy"  # beside the checkpoint


class UpsampleRun(DiffusionRun):
    """What plain enlarging leaves out; see enlarge.py."""

    def __init__(
        self,
        spec: TrainDiffusion,
        pictures: np.ndarray,
        labels: np.ndarray,
        on_progress: OnProgress,
        cancel: CancelToken,
    ) -> None:
        super().__init__(spec, pictures, labels)
        self.repainted = self._repainted(on_progress, cancel)

    def examples(self) -> tuple[Tensor, Conditions]:
        """What is left out of pictures, and the small ones with their noise."""
        rows = self.rows()
        drawn = torch.rand(len(rows), generator=self.rng) < AS_DRAWN
        if len(self.repainted):
            rows = torch.where(drawn, rows, rows % len(self.repainted))
        x0, small = self._cropped(self.clean(rows), self._small(rows, drawn))
        share = torch.rand(len(x0), generator=self.rng)
        # Much noise in what is enlarged would drown all else in the loss.
        level = (share.square() * MOST_LEVEL * len(self.alphas)).long()
        alpha, sigma = (
            part[level.to(part.device)].cpu()[:, None, None, None]
            for part in (self.alphas, self.sigmas)
        )
        low = alpha * small + sigma * self.noise(small)
        return left_out(x0, low / alpha), {"low": low, "level": level.float()}

    def pictured(self, x0: Tensor, told: Conditions) -> Tensor:
        """The large pictures."""
        alpha = self.alphas[told["level"].long()][:, None, None, None]
        return completed(x0, told["low"] / alpha)

    def _small(self, rows: Tensor, drawn: Tensor) -> Tensor:
        """These pictures halved, of bytes as they are when used: what was lost by rounding is left
        out, too. drawn: which are not repainted."""
        halves = self._halved(rows)
        for place in (~drawn).nonzero()[:, 0] if len(self.repainted) else ():
            halves[place] = torch.from_numpy(self.repainted[int(rows[place])])
        return halves.float() / 127.5 - 1

    def _halved(self, rows: Tensor) -> Tensor:
        drawn = torch.from_numpy(self.pictures[rows.numpy()]).float()
        halves: Tensor = F.avg_pool2d(drawn, 2).round().to(torch.uint8)
        return halves

    def _cropped(self, x0: Tensor, small: Tensor) -> tuple[Tensor, Tensor]:
        """The same place of both."""
        if self.spec.crop is None:
            return x0, small
        half = self.spec.crop // 2
        places = torch.randint(0, small.shape[-1] - half + 1, (2,), generator=self.rng)
        top, left = (int(place) for place in places)
        return (
            x0[:, :, 2 * top : 2 * (top + half), 2 * left : 2 * (left + half)],
            small[:, :, top : top + half, left : left + half],
        )

    def _repainted(self, on_progress: OnProgress, cancel: CancelToken) -> np.ndarray:
        """The first pictures, as the base paints them; none where the plan names no base. Raises
        ModelError, Cancelled."""
        spec, path = self.spec, self.spec.work / KEPT
        if path.is_file():
            kept: np.ndarray = np.load(path, allow_pickle=False)
            return kept
        count = min(REPAINTED, len(self.pictures)) if spec.teacher else 0
        made = np.empty((count, 3, *(side // 2 for side in self.pictures.shape[2:])), np.uint8)
        if spec.teacher is None:
            return made
        painter = Repainter(spec.teacher, spec.seed)
        labels, done = self.labels[:count], 0
        for label in torch.unique(labels).tolist():
            for rows in torch.split((labels == label).nonzero()[:, 0], AT_ONCE):
                words = f"Repainting portraits {done}/{count}"
                on_progress(Progress(words, done / count, 0.0, None))
                x0 = self._halved(rows).float() / 127.5 - 1
                found = painter.repaint(x0, label, cancel)
                made[rows.numpy()] = (found * 127.5 + 127.5).round().to(torch.uint8).numpy()
                done += len(rows)
        save_array(path, made)
        return made
