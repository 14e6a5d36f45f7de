"""Drawn portraits that no network was trained on, with more and more noise in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.portraits.dataset import portraits

REAL_SEED = 3  # the data set; nothing was trained on it
LEVELS = (0, 250, 500, 750)  # timesteps that networks for noisy pictures are asked at


def drawn(count: int, side: int) -> tuple[Tensor, Float32[np.ndarray, "n columns"]]:
    """Pictures of `side` px, float32 [-1, 1], and their labels."""
    pictures, table = portraits(REAL_SEED, np.arange(count), 2 * side)
    return torch.nn.functional.avg_pool2d(pictures.float(), 2) / 127.5 - 1, np.asarray(table)


def at_levels(
    x0: Tensor, schedule: Any, progress: OnProgress, cancel: CancelToken
) -> Iterator[tuple[int, Tensor]]:
    """Every level's timestep, and the pictures with that much noise.

    schedule: of the diffusion model; see diffusion.schedule.Schedule. Raises Cancelled.
    """
    rng = torch.Generator().manual_seed(0)
    for done, t in enumerate(LEVELS):
        cancel.check()
        progress(Progress("asking about noisy pictures", done / len(LEVELS)))
        noise = torch.randn(x0.shape, generator=rng)
        yield t, float(schedule.alphas[t]) * x0 + float(schedule.sigmas[t]) * noise
