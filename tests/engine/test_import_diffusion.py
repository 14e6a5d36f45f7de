"""Folders of diffusion models and classifiers are brought here, or refused with one message."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import main
from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import read_safetensors, write_safetensors
from engine.models.card import read_card, write_card
from engine.models.library import ModelLibrary
from tests.random_denoiser import write_random_denoisers


@pytest.fixture
def source(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENT_ATELIER_HOME", str(home))
    write_random_denoisers(tmp_path / "source")
    # What it is to export, and that it agrees with torch, is tested where it is written.
    monkeypatch.setattr(
        "engine.models.diffusion.denoiser_folder.export_unet", lambda net: b"a new graph"
    )
    return tmp_path / "source"


def test_a_classifier_and_a_model_are_kept_with_a_graph_of_their_own(
    source: Path, home: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main.main(["import", str(source / "tiny-classifier")]) == 0
    (source / "tiny-ddpm" / "unet.onnx").write_bytes(b"not to be trusted")
    assert main.main(["import", str(source / "tiny-ddpm"), "--name", "mine"]) == 0
    library = ModelLibrary(home)
    assert "tiny-classifier" in {info.name for info in library.classifiers()}
    mine = next(info for info in library.denoisers() if info.name == "mine")
    assert mine.sha256 == read_card(source / "tiny-ddpm")["weights_sha256"]
    assert (mine.folder / "unet.onnx").read_bytes() == b"a new graph"
    capsys.readouterr()
    assert main.main(["import", str(source / "tiny-ddpm"), "--name", "again"]) == 1
    assert "here already, as mine" in capsys.readouterr().err


def _not_a_number(folder: Path) -> None:
    tensors = dict(read_safetensors(folder / "weights.safetensors"))
    tensors["conv_in.weight"] = np.full_like(tensors["conv_in.weight"], np.nan)
    write_safetensors(folder / "weights.safetensors", tensors)
    write_card(folder, {**read_card(folder), "weights_sha256": weights_sha256(tensors)})


def _a_tensor_less(folder: Path) -> None:
    tensors = dict(read_safetensors(folder / "weights.safetensors"))
    del tensors["conv_in.weight"]
    write_safetensors(folder / "weights.safetensors", tensors)
    write_card(folder, {**read_card(folder), "weights_sha256": weights_sha256(tensors)})


def _other_weights(folder: Path) -> None:
    write_card(folder, {**read_card(folder), "weights_sha256": "1" * 64})


def _no_sizes(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    del card["config"]["unet"]
    (folder / "card.json").write_text(json.dumps(card))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_not_a_number, "not finite"),
        (_a_tensor_less, "not those of such a U-Net"),
        (_other_weights, "not those of its card"),
        (_no_sizes, "damaged config"),
        (lambda folder: (folder / "weights.safetensors").unlink(), "are missing"),
    ],
)
def test_a_damaged_folder_is_one_message_and_nothing_is_kept(
    damage: Callable[[Path], None],
    said: str,
    source: Path,
    home: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    damage(source / "tiny-ddpm")
    before = sorted((home / "models").iterdir()) if (home / "models").is_dir() else []
    assert main.main(["import", str(source / "tiny-ddpm")]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) <= 2
    after = sorted((home / "models").iterdir()) if (home / "models").is_dir() else []
    assert after == before
