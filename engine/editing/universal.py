"""One perturbation for many pictures at once.

What Moosavi-Dezfooli et al. (2017) found to exist, searched for by the gradient of the mean loss
over batches, each loss cut where its picture is lost already (Shafahi et al., 2020, section 4).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn.functional import cross_entropy, interpolate

from engine.cancel import CancelToken
from engine.editing.victims import Classifier

BATCH = 8
LOST = 9.0  # a loss above counts no more
STRIDE = 0.1  # of a step, in budgets; it falls to a third by the end
KEPT = 0.9  # of the last direction

Seen = Callable[[int, int, float], None]  # step, steps, share of the batch that is fooled


def find(
    victim: Classifier,
    pictures: Float[Tensor, "n 3 s s"],
    question: str,
    epsilon: float,
    rounds: int,
    seed: int,
    cancel: CancelToken,
    seen: Seen,
) -> Float32[np.ndarray, "3 s s"]:
    """The pattern, in [-1, 1], that added epsilon times makes most answers other than they are.

    pictures: levels. rounds: how often each of them is looked at. seen: told of every step.
    """
    source = torch.Generator().manual_seed(seed)
    answers = torch.cat([_answers(victim, part, question) for part in torch.split(pictures, BATCH)])
    pattern = torch.zeros(pictures.shape[1:])
    velocity = torch.zeros_like(pattern)
    steps = rounds * -(-len(pictures) // BATCH)
    step = 0
    for _ in range(rounds):
        order = torch.randperm(len(pictures), generator=source)
        for rows in torch.split(order, BATCH):
            cancel.check()
            moving = pattern.clone().requires_grad_()
            moved = (pictures[rows] + epsilon * moving).clamp(0, 255)
            logits = victim.logits(moved, question)
            losses = cross_entropy(logits, answers[rows], reduction="none").clamp(max=LOST)
            (gradient,) = torch.autograd.grad(losses.mean(), moving)
            size = gradient.abs().mean().clamp(min=1e-20)
            velocity = KEPT * velocity + gradient / size
            stride = STRIDE * (1 - 0.67 * step / steps)
            pattern = (pattern + stride * velocity.sign()).clamp(-1, 1)
            step += 1
            fooled = (logits.argmax(1) != answers[rows]).float().mean()
            seen(step, steps, float(fooled))
    return np.ascontiguousarray(pattern.numpy(), np.float32)


def added(
    x: Float[Tensor, "n 3 h w"], pattern: Float32[np.ndarray, "3 s t"], epsilon: float
) -> Float[Tensor, "n 3 h w"]:
    """The pictures with the pattern, brought to their size."""
    laid = torch.from_numpy(np.array(pattern, np.float32))[None]
    if laid.shape[-2:] != x.shape[-2:]:
        laid = interpolate(laid, x.shape[-2:], mode="bilinear", align_corners=False)
    return (x + epsilon * laid.clamp(-1, 1)).clamp(0, 255)


def _answers(victim: Classifier, pictures: Tensor, question: str) -> Tensor:
    with torch.no_grad():
        return victim.logits(pictures, question).argmax(1)
