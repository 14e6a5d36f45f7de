"""Portraits and true sentences about them, in batches, and the loss that tells them apart.

InfoNCE (van den Oord et al., 2018; Radford et al., 2021). A short sentence fits many portraits:
those of a batch that it is as true of as of its own do not count against it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy

from engine.perception.clip.tokenizer import Tokenizer
from engine.portraits.captions import Said, phrases_of, say


class Plan(Protocol):
    """batch: texts, crowd: pictures, which cost little; whole: share of batches whose texts tell
    everything; context: tokens of a text at most."""

    @property
    def batch(self) -> int: ...
    @property
    def crowd(self) -> int: ...
    @property
    def whole(self) -> float: ...
    @property
    def context(self) -> int: ...
    @property
    def seed(self) -> int: ...


class Pairs:
    """What is learnt from: what was seen of each picture, its row of the label table, and what can
    be said of it."""

    def __init__(
        self,
        seen: Float[Tensor, "n hidden"],
        table: Float32[np.ndarray, "n columns"],
        noise: float = 0.0,
    ) -> None:
        """noise: deviation of what is added to what was seen, in shares of each value's own, so
        that nobody leans on single values."""
        self.seen, self.table = seen, table
        self._spread = seen.std(0) * noise
        known = [frozenset[str]().union(*phrases_of(row)) for row in table]
        names = sorted(frozenset[str]().union(*known))
        self._places = {phrase: at for at, phrase in enumerate(names)}
        self._has = np.zeros((len(table), len(names)), bool)
        for row, ways in zip(self._has, known, strict=True):
            row[[self._places[phrase] for phrase in ways]] = True

    def fits(self, said: Sequence[Said], rows: np.ndarray) -> Bool[np.ndarray, "said rows"]:
        """Which sentence is true of which picture; as Said.fits."""
        places = self._places
        columns = ([places[phrase] for phrase in one.phrases if phrase] for one in said)
        has = self._has[rows]
        return np.stack([has[:, chosen].all(1) for chosen in columns])

    def batches(
        self, plan: Plan, tokenizer: Tokenizer, first: int
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """What was seen of a crowd of pictures, tokens for the first of them, and which text fits
        which picture. first: the number of the first batch; each depends on its number alone."""
        step = first
        while True:
            source = np.random.RandomState((plan.seed * 7919 + step) % 2**32)
            count = min(plan.crowd, len(self.seen))
            rows = source.choice(len(self.seen), count, replace=False)
            own = rows[: plan.batch]
            whole = bool(source.rand() < plan.whole)
            said = [say(self.table[i], int(source.randint(2**31)), whole) for i in own]
            texts = tokenizer.tokens([one.text for one in said], plan.context)
            ids = torch.from_numpy(shortest(texts.ids, tokenizer.end))
            seen = self.seen[rows]
            noise = torch.from_numpy(source.randn(*seen.shape).astype(np.float32))
            fits = torch.from_numpy(self.fits(said, rows))
            yield seen + self._spread * noise, ids, fits
            step += 1


def shortest(ids: Int64[np.ndarray, "n context"], end: int) -> Int64[np.ndarray, "n longest"]:
    """The tokens up to the first end of the longest text: what follows is never looked at."""
    return ids[:, : int((ids == end).argmax(1).max()) + 1]


def info_nce(
    images: Float[Tensor, "crowd dim"],
    texts: Float[Tensor, "n dim"],
    scale: Float[Tensor, ""],
    fits: Bool[Tensor, "n crowd"],
) -> Float[Tensor, ""]:
    """The loss of unit vectors, from texts to pictures and back. Picture i is that of text i;
    those beyond the texts are there to be told apart from.

    fits: which text is true of which picture. Where it is not the text's own, it does not count.
    """
    own = torch.zeros_like(fits).fill_diagonal_(True)
    logits = (scale * texts @ images.T).masked_fill(fits & ~own, -math.inf)
    target = torch.arange(len(texts), device=texts.device)
    back = logits[:, : len(texts)].T
    return (cross_entropy(logits, target) + cross_entropy(back, target)) / 2
