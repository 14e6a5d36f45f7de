"""Moving average of a generator's weights: the one that is shown and shipped."""

from __future__ import annotations

import torch
from torch import nn


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
