"""Blends of texts as a U-Net attends to them; each text is read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

Weights = tuple[tuple[int | str, float], ...]  # class or text, and share; () is neither
Read = Callable[[Sequence[str]], Tensor]  # texts to what an encoder makes of every token
KEPT = 64


def class_shares(conditions: Sequence[Weights], none: int) -> Float[Tensor, "conditions rows"]:
    """What each class counts under each condition; the last row, of that number, is no class."""
    found = torch.zeros(len(conditions), none + 1)
    for index, weights in enumerate(conditions):
        for number, share in weights or ((none, 1.0),):
            found[index, int(number)] += share
    return found


class TextBlends:
    """read: see Read. What it said of the last texts is kept. zeros: no text at all is zeros
    instead of the empty text, for models that were trained so."""

    def __init__(self, read: Read, zeros: bool = False) -> None:
        self._read, self._nothing = read, [("", 0.0 if zeros else 1.0)]
        self._known: dict[str, Tensor] = {}

    @torch.no_grad()
    def of(self, conditions: Sequence[Weights]) -> Float[Tensor, "conditions ..."]:
        """One blend for each condition, of the shape of what is read."""
        asked = [
            [(str(text), share) for text, share in weights] or self._nothing
            for weights in conditions
        ]
        wanted = list(dict.fromkeys(text for row in asked for text, _ in row))
        new = [text for text in wanted if text not in self._known]
        if new:
            known = self._known | dict(zip(new, self._read(new), strict=True))
            others = [text for text in known if text not in wanted][-KEPT:]
            self._known = {text: known[text] for text in (*others, *wanted)}
        rows = [torch.stack([share * self._known[text] for text, share in row]) for row in asked]
        return torch.stack([row.sum(0) for row in rows])
