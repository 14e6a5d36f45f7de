"""The lessons of the latent models: an autoencoder, and a U-Net of its codes that reads texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.checkpoints.safetensors_file import read_safetensors
from engine.diffusion.latent_parts import filled, vae_of
from engine.models.card import read_card
from engine.training import train_autoencoder as lessons
from engine.training.train_autoencoder import AutoencoderSpec, train_autoencoder


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AutoencoderSpec:
    """A run of moments."""
    small = {"block_out_channels": [8, 8, 8], "norm_num_groups": 4, "sample_size": 16}
    monkeypatch.setattr(lessons, "SETTINGS", {**lessons.SETTINGS, **small})
    return AutoencoderSpec(
        tmp_path / "run", steps=8, batch=4, portraits=8, featured=0.5, cache=tmp_path / "cache"
    )


def test_an_autoencoder_is_taught_and_kept(tiny: AutoencoderSpec, tmp_path: Path) -> None:
    folder = train_autoencoder(tiny, tmp_path / "model", lambda progress: None, CancelToken())
    card = read_card(folder)
    net = filled(
        vae_of(card["config"], "made"), read_safetensors(folder / "weights.safetensors"), "made"
    )
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    codes = net.encode(x).latent_dist.mode()
    assert codes.shape == (2, 4, 4, 4)
    assert net.decode(codes).sample.shape == x.shape
    assert card["trained"]["images"] == 32
    assert card["config"]["scaling_factor"] > 0


def test_a_run_that_was_stopped_goes_on(tiny: AutoencoderSpec, tmp_path: Path) -> None:
    told = []
    train_autoencoder(replace(tiny, steps=4), tmp_path / "a", told.append, CancelToken())
    train_autoencoder(tiny, tmp_path / "b", told.append, CancelToken())
    assert read_card(tmp_path / "b")["trained"]["images"] == 32
    one, two = (read_safetensors(tmp_path / name / "weights.safetensors") for name in "ab")
    assert any(not np.array_equal(one[name], two[name]) for name in one)
