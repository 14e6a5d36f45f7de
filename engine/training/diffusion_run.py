"""A run of Algorithm 1 of Ho et al. (2020): a U-Net that makes pictures, of classes or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.diffusion.schedule import min_snr_weights, target, to_x0
from engine.diffusion.unet import PixelUNet
from engine.training.diffusion_sheet import SHOWN, Conditions, write_sheet
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.finetuning.begin import begin
from engine.training.noised_run import Noised, NoisedRun
from engine.training.onlooker import Onlooker

LOOKED_AT = 3 / 2  # pixels that the network that looks is given for one


class DiffusionRun(NoisedRun):
    """The loss, the examples and the sheet."""

    def __init__(self, spec: TrainDiffusion, pictures: np.ndarray, labels: np.ndarray) -> None:
        super().__init__(spec, self.network(spec), pictures, labels)
        weights = np.ones(spec.schedule.steps)
        if spec.gamma is not None:
            weights = min_snr_weights(spec.schedule, spec.prediction, spec.gamma)
        self.weights = torch.tensor(weights, dtype=torch.float32, device=self.alphas.device)
        self.onlooker = None
        if spec.perceptual:
            size = self.looked_at()
            self.onlooker = Onlooker(self.hardware.device, spec.perceptual, spec.rivalry, size)
        if spec.start is not None:
            self.begin(spec.start)

    def begin(self, start: Path) -> None:
        """Begin with the weights of that model. Raises ModelError or TrainingError."""
        for network in (self.net, self.average):
            begin(network.get_submodule("unet"), start)

    def network(self, spec: TrainDiffusion) -> nn.Module:
        """What is taught."""
        return PixelUNet(spec.unet)

    def loss(self) -> Tensor:
        """Algorithm 1, for any prediction, weighted by min-SNR."""
        spec, device = self.spec, self.alphas.device
        x0, more = self.examples()
        seen = self.noised(x0)
        told = {name: part.to(device) for name, part in more.items()}
        with self.hardware.attending():
            out = self.net(seen.x, seen.t.float(), **told)
        wanted = target(spec.prediction, seen.x0, seen.eps, seen.alpha, seen.sigma)
        out = out.float()
        loss: Tensor = self.weights[seen.t] * (out - wanted).square().mean((1, 2, 3))
        return loss.mean() + self.besides(seen, out, told)

    def besides(self, seen: Noised, out: Tensor, told: Conditions) -> Tensor:
        """How unlike the predicted pictures look, when the first lessons are over. told: what the
        network was told beside seen.x."""
        spec = self.spec
        if self.onlooker is None or self.images < spec.featured * spec.images:
            return out.new_zeros(())
        x0 = to_x0(spec.prediction, out, seen.x, seen.alpha, seen.sigma)
        return self.onlooker.unlike(self.pictured(x0, told), self.pictured(seen.x0, told))

    def step(self) -> None:
        """See NoisedRun; the rival, too."""
        super().step()
        if self.onlooker is not None:
            self.onlooker.learn()

    def stateful(self) -> dict[str, Any]:
        """See NoisedRun."""
        return super().stateful() | ({} if self.onlooker is None else self.onlooker.stateful())

    def looked_at(self) -> int:
        """The side of the pictures that the network that looks is given."""
        return round(LOOKED_AT * (self.spec.crop or self.spec.size_px))

    def pictured(self, x0: Tensor, told: Conditions) -> Tensor:
        """The pictures that x0 stands for."""
        return x0

    def draw(self) -> None:
        """A sample sheet."""
        write_sheet(self.spec, self.average, self.images, self.pictures, self.asked(), self.shown)

    shown: Callable[[Tensor], Tensor] | None = None  # pictures of what the network makes

    def asked(self) -> tuple[Conditions, ...]:
        """What the sheet's pictures are asked for, and what stands for nothing; () for neither."""
        classes = self.spec.unet.classes
        if not classes:
            return ()
        labels = torch.arange(SHOWN) % classes
        rows = F.one_hot(torch.stack([labels, torch.full_like(labels, classes)]), classes + 1)
        wanted, nothing = rows.float()
        return {"c": wanted}, {"c": nothing}

    def examples(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Pictures, and what the network is told of them."""
        spec = self.spec
        index, n = self.rows(), spec.batch
        if not spec.unet.classes:
            return self.clean(index), {}
        # What a class is learnt from is clear; what faces are like in general, from all of them.
        named = torch.rand(n, generator=self.rng) >= spec.dropout
        index = torch.where(named, self.clear[index % len(self.clear)], index)
        labels = torch.where(named, self.labels[index], spec.unet.classes)
        return self.clean(index), {"c": F.one_hot(labels, spec.unet.classes + 1).float()}
