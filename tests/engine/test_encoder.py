"""The encoder: trained on a generator's own pictures, written, opened, used by a search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.cancel import CancelToken
from engine.editing.encoder import encoder_folder, open_encoder
from engine.errors import ModelError
from engine.frame import Progress
from engine.models.card import read_card
from engine.models.opened import Model
from engine.recipe import Computed, Generate, Recipe, Seed
from engine.services.invert import invert
from engine.studio import Studio
from engine.training.train_encoder import EncoderSpec, train_encoder
from engine.wishes import InvertWish
from tests.random_model import NAME


def quiet(progress: Progress) -> None:
    """Nobody watches."""


@pytest.fixture
def model(studio: Studio) -> Model:
    return studio.open(NAME, "torch")


def run(model: Model, work: Path, folder: Path, steps: int) -> Path:
    spec = EncoderSpec(work, steps=steps, batch=4, drawn=0)
    return train_encoder(spec, model, folder, quiet, CancelToken())


def far(model: Model, folder: Path) -> float:
    z = np.random.RandomState(9).randn(8, 16).astype(np.float32)
    pixels = model.pixels(model.map(z))
    again = model.pixels(open_encoder(folder).ws(pixels))
    return float(np.square((again.astype(float) - pixels) / 127.5).mean())


def test_an_encoder_learns_goes_on_and_starts_a_search(
    studio: Studio, model: Model, tmp_path: Path
) -> None:
    folder = studio.home / "models" / "faces-encoder"
    target = Recipe(Generate(studio.ref(NAME), Seed(3)))
    once = InvertWish(NAME, target, steps=0)
    with pytest.raises(ModelError, match="no encoder"):
        invert(studio.home, once, quiet, CancelToken(), print)
    run(model, tmp_path / "work", folder, 2)
    begun = far(model, folder)
    run(model, tmp_path / "work", folder, 60)
    assert far(model, folder) < begun
    assert read_card(folder)["trained"]["steps"] == 60
    assert encoder_folder((studio.home / "models",), model.info.sha256) == folder
    assert encoder_folder((studio.home / "models",), "0" * 64) is None
    found = invert(studio.home, once, quiet, CancelToken(), lambda _: None)
    latent = found.recipe.image.latent  # type: ignore[attr-defined]
    assert isinstance(latent, Computed)
    assert latent.search == "encode"


def test_an_encoder_with_other_weights_than_its_card_is_refused(
    model: Model, tmp_path: Path
) -> None:
    folder = run(model, tmp_path / "work", tmp_path / "encoder", 1)
    text = (folder / "card.json").read_text()
    sha = read_card(folder)["weights_sha256"]
    (folder / "card.json").write_text(text.replace(sha, "0" * 64))
    with pytest.raises(ModelError, match="not those of its card"):
        open_encoder(folder)
