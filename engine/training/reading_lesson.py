"""Teaches a text tower to tell apart what captions and instructions tell apart, before a U-Net
learns to draw what it reads.

A CLIP's tower knows the words that its pictures taught it: where what looks at those sees neither
the background's colour nor how long hair is, "green" reads like "blue". A U-Net would teach it
otherwise, but slowly. Here the tower says what numbers the portrait has that a text is about, as
well as words tell: texts and tables alone, so that it takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from engine.cancel import CancelToken
from engine.perception.clip.text_tower import TextTower
from engine.portraits.attributes import ATTRIBUTES, CIRCLES
from engine.training.noised_run import OnProgress
from engine.training.short_lesson import short_lesson

BATCH, RATE = 64, 2e-3
NEAR = 0.005  # how much it counts that tokens stay what they were: a U-Net may read them already


def told_numbers(table: Float32[np.ndarray, "n columns"]) -> Float[Tensor, "n numbers"]:
    """What rows of the label table say, each number with mean 0 and variance 1 over them: one for
    each value of a choice, two for a place on a circle."""
    numbers: list[np.ndarray] = []
    for column, attribute in zip(table.T, ATTRIBUTES, strict=True):
        if attribute.kind == "categorical":
            numbers += [column == value for value in range(len(attribute.values))]
        elif attribute.name in CIRCLES:
            numbers += [np.cos(2 * np.pi * column), np.sin(2 * np.pi * column)]
        else:
            numbers.append(column)
    found = torch.from_numpy(np.stack(numbers, axis=1).astype(np.float32))
    return (found - found.mean(0)) / found.std(0).clamp(min=1e-6)


def teach_reading(
    tower: TextTower,
    tokens: Callable[[Sequence[str]], Int64[Tensor, "n tokens"]],
    told: Callable[[int], tuple[Sequence[str], Float[Tensor, "n numbers"]]],
    steps: int,
    progress: OnProgress,
    cancel: CancelToken,
) -> float:
    """Teach the tower where it stands.

    told: so many texts, other ones every time, and the numbers that each is about. Returns the
    share of the numbers' variance that was not told in the last batch. Raises Cancelled.
    """
    before = deepcopy(tower).requires_grad_(False)
    width, numbers = tower.final_layer_norm.normalized_shape[0], told(1)[1].shape[1]
    at_end, everywhere = nn.Linear(width, numbers), nn.Linear(width, numbers)
    parts = [*tower.parameters(), *at_end.parameters(), *everywhere.parameters()]
    optimiser = torch.optim.AdamW(parts, RATE, (0.9, 0.99), weight_decay=1e-3)
    untold = 1.0
    for _ in short_lesson("reading", steps, optimiser, RATE, progress, cancel):
        texts, wanted = told(BATCH)
        ids = tokens(texts)
        states = tower.states(ids)
        found = F.mse_loss(at_end(tower.ended(ids, states)), wanted)
        loss = found + F.mse_loss(everywhere(states.mean(1)), wanted)
        loss = loss + NEAR * F.mse_loss(states, before.states(ids))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        untold = found.item()
    return untold
