"""Weights that a model shares with a bundled one: kept once, read and checked as its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.checkpoints.safetensors_file import read_safetensors
from engine.errors import ModelError
from engine.models.bundled import bundled_folder
from engine.models.card import WEIGHTS, read_card
from engine.models.diffusion.denoisers import stored_weights
from engine.models.folder import write_folder
from engine.models.library import ModelLibrary
from engine.services.needs import needs_of_kept

CODER = "portraits-autoencoder"


@pytest.fixture
def latent(tmp_path: Path) -> Path:
    """The bundled model of texts, among the user's own."""
    folder = tmp_path / "models" / "own"
    shutil.copytree(bundled_folder() / "portraits-latent", folder)
    _change(folder, name="own")
    return folder


def test_shared_weights_are_read_from_the_other_model(latent: Path) -> None:
    found = stored_weights(latent, read_card(latent)["weights_sha256"])
    coder = read_safetensors(bundled_folder() / CODER / WEIGHTS)
    assert {name for name in found if name.startswith("vae.")} == {f"vae.{name}" for name in coder}
    assert not any(name.startswith("vae.") for name in read_safetensors(latent / WEIGHTS))


def test_they_count_as_what_the_model_needs(latent: Path, tmp_path: Path) -> None:
    info = ModelLibrary(tmp_path).denoisers()
    own = next(one for one in info if one.name == "own")
    assert needs_of_kept(own).parts["vae."] > 0


def test_a_model_is_written_without_them(latent: Path, tmp_path: Path) -> None:
    card = read_card(latent)
    whole = stored_weights(latent, card["weights_sha256"])
    facts = {"name": "again", "shares": card["shares"]}
    again = write_folder(tmp_path / "again", card["family"], card["config"], whole, facts)
    assert again["weights_sha256"] == card["weights_sha256"]
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (latent / WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"vae.": "nobody"}, "shares weights with nobody"),
        ({"vae.": "portraits-clip"}, "not those of its card"),
        ({"vae.": "../portraits-autoencoder"}, "has the name"),
        ({"vae.": 7}, "damaged shares"),
        (["vae."], "damaged shares"),
        ({}, "not those of its card"),
    ],
)
def test_damaged_shares_are_refused(latent: Path, shares: object, words: str) -> None:
    _change(latent, shares=shares)
    with pytest.raises(ModelError, match=words):
        stored_weights(latent, read_card(latent)["weights_sha256"])


def _change(folder: Path, **fields: object) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
