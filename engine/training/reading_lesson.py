"""Teaches a text tower to tell apart what captions and instructions tell apart, before a U-Net
learns to draw what it reads.

A CLIP's tower knows the words that its pictures taught it: where what looks at those sees neither
the background's colour nor how long hair is, "green" reads like "blue". A U-Net would teach it
otherwise, but slowly. Here the tower says what numbers the portrait has that a text is about, as
well as words tell: texts and tables alone, so that it takes minutes. Numbers that a text does not
tell of count nothing. Nobody could say them: among sixty such, the two of a background's colour
were not learnt from short texts in 300 steps, and without those in 100.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from engine.cancel import CancelToken
from engine.perception.clip.text_tower import TextTower
from engine.training.noised_run import OnProgress
from engine.training.short_lesson import short_lesson

BATCH, RATE = 64, 2e-3
NEAR = 0.005  # how much it counts that tokens stay what they were: a U-Net may read them already


class Told(NamedTuple):
    """Texts; the numbers of what each may be about, see label_columns.py; and which it tells of, 1
    or 0."""

    texts: Sequence[str]
    numbers: Float[Tensor, "n numbers"]
    about: Float[Tensor, "n numbers"]


def teach_reading(
    tower: TextTower,
    tokens: Callable[[Sequence[str]], Int64[Tensor, "n tokens"]],
    told: Callable[[int], Told],
    steps: int,
    progress: OnProgress,
    cancel: CancelToken,
) -> float:
    """Teach the tower where it stands.

    told: so many texts, other ones every time. Returns the mean squared error of the last batch.
    Raises Cancelled.
    """
    before = deepcopy(tower).requires_grad_(False)
    tower.requires_grad_(True)
    device = tower.final_layer_norm.weight.device
    width, numbers = len(tower.final_layer_norm.weight), told(1).numbers.shape[1]
    at_end, everywhere = (nn.Linear(width, numbers, device=device) for _ in range(2))
    parts = [*tower.parameters(), *at_end.parameters(), *everywhere.parameters()]
    optimiser = torch.optim.AdamW(parts, RATE, (0.9, 0.99), weight_decay=1e-3)
    error = torch.ones(())
    for _ in short_lesson("reading", steps, optimiser, RATE, progress, cancel):
        said = told(BATCH)
        ids, wanted = tokens(said.texts).to(device), said.numbers.to(device)
        shares = (said.about / said.about.sum().clamp(min=1)).to(device)
        states = tower.states(ids)
        error = ((at_end(tower.ended(ids, states)) - wanted).square() * shares).sum()
        loss = error + ((everywhere(states.mean(1)) - wanted).square() * shares).sum()
        loss = loss + NEAR * F.mse_loss(states, before.states(ids))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    tower.requires_grad_(False)
    return error.item()
