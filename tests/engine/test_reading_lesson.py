"""The lesson before a U-Net's: a text tower learns to tell apart what texts tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.cancel import CancelToken
from engine.errors import Cancelled
from engine.models.bundled import bundled_folder
from engine.perception.clip.open import open_clip
from engine.portraits.attributes import COLUMN, sample
from engine.portraits.captions import say
from engine.training.label_columns import columns_about, columns_of
from engine.training.reading_lesson import Told, teach_reading

WAYS = ("on a green background", "on a blue background")


def test_words_that_read_alike_are_told_apart() -> None:
    clip = open_clip(bundled_folder() / "portraits-clip")
    tower = deepcopy(clip.network.text_model).requires_grad_(True)
    rng = torch.Generator().manual_seed(0)

    def ids(texts: Sequence[str]) -> Tensor:
        return torch.from_numpy(clip.tokens(texts).ids)

    def told(count: int) -> Told:
        index = torch.arange(count) % 2
        noise = torch.randn(count, 20, generator=rng)  # what the texts do not tell
        numbers = torch.cat([(2.0 * index - 1)[:, None], noise], 1)
        about = torch.zeros_like(numbers)
        about[:, 0] = 1.0
        return Told([WAYS[at] for at in index.tolist()], numbers, about)

    def apart() -> float:
        with torch.no_grad():
            one, other = tower(ids(WAYS))
        return float((one - other).norm() / one.norm())

    before = apart()
    error = teach_reading(tower, ids, told, 25, lambda progress: None, CancelToken())
    assert error < 0.2
    assert apart() > 2 * before


def test_numbers_of_rows_are_of_one_size_and_circles_close() -> None:
    table = sample(0, np.arange(4000))
    spread = columns_of(table).std(0)
    assert float(spread.min()) > 0.5
    assert float(spread.max()) < 2
    ends = table[[0, 0]]
    ends[:, COLUMN["background_hue"]] = 0.0, 1.0
    one, other = columns_of(ends)
    assert torch.allclose(one, other, atol=1e-5)


def test_a_sentence_knows_what_it_tells_of() -> None:
    said = say(sample(0, np.arange(1))[0], 1, whole=True)
    assert {"hair_color", "background_hue"} & said.about
    for name in said.about:
        assert name in COLUMN
    row = sample(0, np.arange(2))
    about = columns_about(("background_hue", "smile"))
    assert about.shape == columns_of(row)[0].shape
    assert float(about.sum()) == 3.0
    changed = row[[0, 0]]
    changed[1, COLUMN["background_hue"]] += 0.3
    changed[1, COLUMN["smile"]] += 0.3
    one, other = columns_of(changed)
    assert torch.equal((one != other).float(), about)


def test_it_can_be_cancelled() -> None:
    clip = open_clip(bundled_folder() / "portraits-clip")
    cancel = CancelToken()
    cancel.cancel()
    tower = deepcopy(clip.network.text_model)
    with pytest.raises(Cancelled):
        teach_reading(
            tower,
            lambda texts: torch.zeros((len(texts), 4), dtype=torch.long),
            lambda count: Told([""] * count, torch.zeros(count, 1), torch.ones(count, 1)),
            3,
            lambda progress: None,
            cancel,
        )
