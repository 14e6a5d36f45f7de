"""The lessons of the latent models: an autoencoder, and a U-Net of its codes that reads texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.cancel import CancelToken
from engine.checkpoints.safetensors_file import read_safetensors
from engine.diffusion.unet_config import UNetConfig
from engine.errors import Cancelled
from engine.models.bundled import bundled_folder
from engine.models.card import read_card
from engine.models.diffusion.autoencoder import open_autoencoder
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.models.diffusion.open_denoiser import build_unet
from engine.models.library import ModelLibrary
from engine.perception.clip.open import open_clip
from engine.services.bundle_diffusion import bundle
from engine.training import autoencoder_run as lessons
from engine.training.autoencoder_run import AutoencoderSpec
from engine.training.decoder_run import further
from engine.training.diffusion_spec import SPECS
from engine.training.tiny_lesson import teach_tiny
from engine.training.train_autoencoder import train_autoencoder
from engine.training.train_diffusion import train


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's data folder."""
    return tmp_path / "home"


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
    coder, side = open_autoencoder(folder)
    x = torch.rand(2, 3, side, side) * 2 - 1
    codes = coder.codes(x)
    assert codes.shape == (2, 4, 4, 4)
    assert coder.pixels(codes).shape == x.shape
    assert card["trained"]["images"] == 32
    assert card["config"]["scaling_factor"] > 0


def test_a_run_that_was_stopped_goes_on(tiny: AutoencoderSpec, tmp_path: Path) -> None:
    told = []
    train_autoencoder(replace(tiny, steps=4), tmp_path / "a", told.append, CancelToken())
    train_autoencoder(tiny, tmp_path / "b", told.append, CancelToken())
    assert read_card(tmp_path / "b")["trained"]["images"] == 32
    one, two = (read_safetensors(tmp_path / name / "weights.safetensors") for name in "ab")
    assert any(not np.array_equal(one[name], two[name]) for name in one)


def test_what_is_taught_further_is_the_decoder_alone(tiny: AutoencoderSpec, tmp_path: Path) -> None:
    first = train_autoencoder(tiny, tmp_path / "first", lambda progress: None, CancelToken())
    spec = further(replace(tiny, work=tmp_path / "on"), first)
    spec = replace(spec, steps=3, batch=2)
    second = train_autoencoder(spec, tmp_path / "second", lambda progress: None, CancelToken())
    before, after = (read_safetensors(place / "weights.safetensors") for place in (first, second))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("decoder.", "post_quant_conv.")) for name in changed)
    one, two = read_card(first), read_card(second)
    assert one["config"] == two["config"]
    assert two["trained"]["from"]["weights_sha256"] == one["weights_sha256"]
    assert two["command"] == one["command"] + " --from portraits-autoencoder"
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    assert torch.equal(*(open_autoencoder(place)[0].codes(x) for place in (first, second)))


@pytest.mark.timeout(600)  # it writes two graphs: a minute each on a busy machine
def test_a_run_on_codes_becomes_a_model_that_reads(
    tiny: AutoencoderSpec, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teach_tiny, "__defaults__", (3,))
    coder = train_autoencoder(tiny, tmp_path / "coder", lambda progress: None, CancelToken())
    spec = replace(
        SPECS["portraits-latent"](tmp_path / "codes"),
        cache=tmp_path / "cache", portraits=8, images=8, batch=4, drawn_px=16, autoencoder=coder,
        reading=2,
        unet=UNetConfig(4, 1, (8, 16), tokens=64, text_width=96, inside=4),
    )  # fmt: skip
    train(spec, lambda progress: None, CancelToken())
    sheet = next((spec.work / "sheets").glob("*.png"))
    with Image.open(sheet) as picture:
        assert picture.size == (8 * 16 * 3, 4 * 16 * 3)
    card = bundle(spec, home / "models" / "portraits-latent", "a machine")
    assert set(card["parts"]) == {"portraits-autoencoder", "portraits-clip"}
    info = ModelLibrary(home, home / "bundled").denoisers()[0]
    assert (info.resolution, info.reads) == (16, True)
    network = LatentDenoiser(info)
    x = torch.randn(1, *network.shape, generator=torch.Generator().manual_seed(1))
    told = (("a smiling woman", 1.0),)
    clip = open_clip(bundled_folder() / "portraits-clip")
    mine = build_unet(spec.unet, read_safetensors(spec.work / "weights.safetensors"), "taught")(
        x, torch.tensor([300.0]), text=clip.read_texts(["a smiling woman"])
    )
    torch.testing.assert_close(network.predict(x, 300.0, [told])[0], mine, atol=1e-5, rtol=1e-4)
    assert network.pixels(x).shape == network.preview(x).shape == (1, 3, 16, 16)


def test_previews_are_about_the_pictures_that_codes_stand_for() -> None:
    rng = torch.Generator().manual_seed(0)
    colours = torch.randint(0, 256, (64, 3, 1, 1), generator=rng)
    pictures = colours.expand(-1, -1, 16, 16).to(torch.uint8).numpy()
    codes = torch.cat([colours / 127.5 - 1, torch.zeros(64, 1, 1, 1)], 1).expand(-1, -1, 4, 4)
    tiny = teach_tiny(codes, pictures, 0, lambda progress: None, CancelToken(), 300)
    wanted = torch.from_numpy(pictures.copy()).float() / 127.5 - 1
    assert (tiny(codes) - wanted).abs().mean() < 0.15
    stopped = CancelToken()
    stopped.cancel()
    with pytest.raises(Cancelled):
        teach_tiny(codes, pictures, 0, lambda progress: None, stopped)
