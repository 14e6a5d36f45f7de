"""Moving average of a generator's weights: the one that is shown and shipped."""

from __future__ import annotations

import torch
from torch import nn

from engine.gan.style_generator import StyleMapping


def ema_keep(batch: int, images: int, half_life: int, rampup: float) -> float:
    """The share of the old average to keep after one step.

    half_life: images after which an old weight counts half; early in training it is limited to
    `rampup` times the images seen, so that the average does not drag the first noise along.
    """
    life = min(float(half_life), images * rampup)
    return float(0.5 ** (batch / max(life, 1e-8)))


@torch.no_grad()
def ema_update(average: nn.Module, live: nn.Module, keep: float) -> None:
    """Move the average's parameters toward the live ones; buffers are copied."""
    old = [p.detach() for p in average.parameters()]
    new = [p.detach() for p in live.parameters()]
    torch._foreach_lerp_(old, new, 1.0 - keep)
    for target, source in zip(average.buffers(), live.buffers(), strict=True):
        target.copy_(source)


@torch.no_grad()
def settle_w_avg(mapping: StyleMapping, samples: int = 10_000) -> None:
    """Set `w_avg` to the mean w of this very mapping over fixed z.

    The tracked mean belongs to the live network; truncating the average network toward it would
    pull pictures a little beside the centre. Draws from its own generator, so training goes on
    as if this had not been called.
    """
    own = torch.Generator().manual_seed(0)
    z = torch.randn(samples, mapping.config.z_dim, generator=own).to(mapping.w_avg.device)
    c = None
    if mapping.config.c_dim > 0:
        c = torch.eye(mapping.config.c_dim, device=z.device).repeat(samples, 1)[:samples]
    mapping.w_avg.copy_(mapping.w(z, c).mean(dim=0))
