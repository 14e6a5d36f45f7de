"""The training of the CLIP of Portraits: what it is shown, its loss, a whole small run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from engine.cancel import CancelToken
from engine.frame import Progress
from engine.models.bundled import bundled_folder
from engine.models.folder import write_folder
from engine.perception.clip.open import open_clip
from engine.portraits.attributes import COLUMN, sample
from engine.portraits.captions import phrases_of, say
from engine.services.evaluate_clip import retrieval
from engine.training.clip_pairs import Pairs, info_nce, shortest
from engine.training.train_clip import ClipSpec, train_clip


def quiet(progress: Progress) -> None:
    """Nobody watches."""


def test_a_sentence_fits_its_own_portrait_and_all_that_it_is_true_of() -> None:
    table = sample(5, np.arange(60))
    known = [phrases_of(row) for row in table]
    for i, row in enumerate(table[:20]):
        for whole in (True, False):
            assert say(row, i, whole).fits(known[i])
    glasses = table[:, COLUMN["eyeglasses"]] > 0.5
    said = [one for i, row in enumerate(table) if "glasses" in (one := say(row, i)).text]
    with_glasses = [one for one in said if "out glasses" not in one.text and "no " not in one.text]
    assert with_glasses
    for one in with_glasses:
        assert not any(one.fits(ways) for ways, has in zip(known, glasses, strict=True) if not has)


def test_a_whole_sentence_names_all_that_has_a_name() -> None:
    for i, row in enumerate(sample(5, np.arange(40))):
        said = say(row, i, whole=True)
        for phrase, ways in zip(said.phrases, phrases_of(row), strict=True):
            assert phrase or ways == {""}


def test_the_fast_table_of_what_fits_says_the_same() -> None:
    table = sample(5, np.arange(40))
    rows = np.arange(40)
    said = [say(row, i) for i, row in enumerate(table[:10])]
    known = [phrases_of(row) for row in table]
    fast = Pairs(torch.zeros(40, 3), table).fits(said, rows)
    assert np.array_equal(fast, [[one.fits(ways) for ways in known] for one in said])


def test_the_loss_leaves_out_what_is_as_true() -> None:
    texts = torch.eye(3)
    images = torch.cat([texts, texts[:1]])  # the last picture is just as the first text says
    fits = torch.eye(3, 4, dtype=torch.bool)
    scale = torch.tensor(20.0)
    counted = info_nce(images, texts, scale, fits)
    fits[0, 3] = True
    assert float(info_nce(images, texts, scale, fits)) < 1e-3 < float(counted)


def test_only_as_many_tokens_are_read_as_the_longest_text_has() -> None:
    ids = np.array([[1, 5, 9, 9, 9], [1, 5, 6, 9, 9]])
    assert shortest(ids, 9).shape == (2, 4)


def test_retrieval_counts_what_comes_first() -> None:
    class Twins:
        def embed_texts(self, texts: Any) -> torch.Tensor:
            return normalize(torch.eye(len(texts)) + 0.1, dim=1)

    table = sample(5, np.arange(4))
    said = [say(row, i, True) for i, row in enumerate(table)]
    found = retrieval(Twins(), np.eye(4, dtype=np.float32), said, table)  # type: ignore[arg-type]
    assert found["picture_of_caption"] == found["caption_of_picture"] == 1.0
    turned = np.eye(4, dtype=np.float32)[[1, 0, 2, 3]]
    assert retrieval(Twins(), turned, said, table)["caption_of_picture"] == 0.5  # type: ignore[arg-type]


@pytest.fixture
def eyes(tmp_path: Path) -> Path:
    """An attribute network that has learnt nothing."""
    from engine.perception.attributes import AttributeNetwork
    from engine.perception.reader import FAMILY, stored_tensors
    from engine.training.regression import portrait_columns

    torch.manual_seed(0)
    columns = portrait_columns()
    folder = tmp_path / "eyes"
    config = {"network": "attributes", "size": 64, "columns": columns.plain()}
    write_folder(folder, FAMILY, config, stored_tensors(AttributeNetwork(columns.outputs)), {})
    return folder


def test_a_run_writes_a_clip_that_opens_and_goes_on(tmp_path: Path, eyes: Path) -> None:
    def source(seed: int, indices: np.ndarray, size: int) -> tuple[Any, Any]:
        pictures = np.random.RandomState(seed).randint(0, 255, (len(indices), 3, size, size))
        return pictures.astype(np.uint8), None

    spec = ClipSpec(tmp_path / "work", eyes, steps=2, batch=4, crowd=8, width=32, layers=1,
                    dim=8, merges=40, portraits=12, cache=tmp_path / "cache")  # fmt: skip
    folder = train_clip(spec, tmp_path / "clip", quiet, CancelToken(), source)
    one = open_clip(folder)
    assert one.embed_texts(["a face"]).shape == (1, 8)
    train_clip(replace(spec, steps=4), folder, quiet, CancelToken(), source)
    assert open_clip(folder).sha256 != one.sha256


def test_the_bundled_clip_tells_texts_apart() -> None:
    folder = bundled_folder() / "portraits-clip"
    if not folder.is_dir():
        pytest.skip("no CLIP is bundled")
    clip = open_clip(folder)
    assert not any(clip.tokens(["a face with glasses", "a smiling old woman"]).cut)
