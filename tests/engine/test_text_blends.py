"""Blends of texts: each is read once, and what is asked for now is never forgotten."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.models.diffusion.text_blends import KEPT, Read, TextBlends

WIDTH = 2


def test_a_text_is_read_once_and_blends_by_shares() -> None:
    asked: list[str] = []
    blends = TextBlends(_reading(asked))
    found = blends.of([(("a", 0.25), ("bbb", 0.75)), ()])
    assert torch.allclose(found, torch.tensor([[0.25 + 2.25] * WIDTH, [0.0] * WIDTH]))
    blends.of([(("bbb", 1.0),), ()])
    assert asked == ["a", "bbb", ""]


def test_no_text_is_known_after_ever_so_many_others() -> None:
    asked: list[str] = []
    blends = TextBlends(_reading(asked))
    for count in range(1, 3 * KEPT):
        assert blends.of([(("x" * count, 1.0),), ()])[:, 0].tolist() == [count, 0]
    assert asked.count("") == 1
    assert len(blends._known) <= KEPT + 2


def _reading(asked: list[str]) -> Read:
    def read(texts: Sequence[str]) -> Tensor:
        asked.extend(texts)
        return torch.tensor([[float(len(text))] * WIDTH for text in texts])

    return read
