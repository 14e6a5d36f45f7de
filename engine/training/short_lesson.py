"""The loop of a lesson of moments that goes before a run: no checkpoint, one optimiser."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from engine.cancel import CancelToken
from engine.training.noised_run import OnProgress
from engine.training.progress import Progress
from engine.training.regression import one_cycle

TOLD_STEPS = 100  # between two words about it


def short_lesson(
    what: str,
    steps: int,
    optimiser: torch.optim.Optimizer,
    rate: float,
    progress: OnProgress,
    cancel: CancelToken,
) -> Iterator[None]:
    """Once for each step, with the optimiser's rate set: up and down again, at most `rate`.

    what: is taught, for the words about it. Raises Cancelled.
    """
    for step in range(steps):
        cancel.check()
        if step % TOLD_STEPS == 0:
            progress(Progress(f"Teaching {what} {step}/{steps}", step / steps, 0.0, None))
        for group in optimiser.param_groups:
            group["lr"] = rate * one_cycle(step / steps)
        yield
