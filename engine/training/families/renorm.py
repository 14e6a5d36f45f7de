"""Batch renormalisation (Ioffe, 2017): batch norm whose lessons see what its pictures will see.

In a small batch the statistics are noise: what a picture becomes depends on its neighbours, and a
lesson that says what it should become teaches an average. Here each batch is corrected, as far as
is safe, to the running statistics. The gradient passes through the batch's own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

MOMENTUM = 0.02
PLAIN, RISE = 200, 600  # batches of plain batch norm, and over how many the correction comes in
STRETCH, SHIFT = 3.0, 5.0  # the most it corrects


class BatchRenorm(nn.BatchNorm2d):
    """The tensors of a batch norm. momentum None: plain batch norm that counts its statistics."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        if not self.training:
            return super().forward(x)
        assert self.num_batches_tracked is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        with torch.no_grad():
            variance, mean = torch.var_mean(x.detach().float(), dim=(0, 2, 3), correction=0)
            self.num_batches_tracked += 1
            seen = int(self.num_batches_tracked)
            share = 0.0 if self.momentum is None else min(1.0, max(0.0, (seen - PLAIN) / RISE))
            usual, most = (self.running_var + self.eps).sqrt(), 1 + (STRETCH - 1) * share
            stretch = ((variance + self.eps).sqrt() / usual).clamp(1 / most, most)
            shift = ((mean - self.running_mean) / usual).clamp(-SHIFT * share, SHIFT * share)
            step = 1 / seen if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, step)
            self.running_var.lerp_(variance, step)
        weight, bias = self.weight * stretch, self.bias + self.weight * shift
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=self.eps)


def renormalise(generator: nn.Module) -> None:
    """Let every batch norm correct itself in training."""
    for owner in list(generator.modules()):
        for name, layer in owner.named_children():
            if type(layer) is nn.BatchNorm2d:
                careful = BatchRenorm(layer.num_features, layer.eps, MOMENTUM)
                careful.load_state_dict(layer.state_dict())
                setattr(owner, name, careful)


def plain(generator: nn.Module) -> None:
    """Let none correct itself any more: each batch counts as it is."""
    for layer in generator.modules():
        if isinstance(layer, BatchRenorm):
            layer.momentum = None
