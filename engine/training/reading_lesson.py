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


def teach_reading(
    tower: TextTower,
    tokens: Callable[[Sequence[str]], Int64[Tensor, "n tokens"]],
    told: Callable[[int], tuple[Sequence[str], Float[Tensor, "n numbers"]]],
    steps: int,
    progress: OnProgress,
    cancel: CancelToken,
) -> float:
    """Teach the tower where it stands.

    told: so many texts, other ones every time, and the numbers that each is about, see
    label_columns.py. Returns the mean squared error of the last batch. Raises Cancelled.
    """
    before = deepcopy(tower).requires_grad_(False)
    device = tower.final_layer_norm.weight.device
    width, numbers = len(tower.final_layer_norm.weight), told(1)[1].shape[1]
    at_end, everywhere = (nn.Linear(width, numbers, device=device) for _ in range(2))
    parts = [*tower.parameters(), *at_end.parameters(), *everywhere.parameters()]
    optimiser = torch.optim.AdamW(parts, RATE, (0.9, 0.99), weight_decay=1e-3)
    error = torch.ones(())
    for _ in short_lesson("reading", steps, optimiser, RATE, progress, cancel):
        texts, wanted = told(BATCH)
        ids, wanted = tokens(texts).to(device), wanted.to(device)
        states = tower.states(ids)
        error = F.mse_loss(at_end(tower.ended(ids, states)), wanted)
        loss = error + F.mse_loss(everywhere(states.mean(1)), wanted)
        loss = loss + NEAR * F.mse_loss(states, before.states(ids))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return error.item()
