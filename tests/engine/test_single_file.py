"""One file of Stable Diffusion by its original names: the same model as the pipeline's folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor

import main
from engine.cancel import CancelToken
from engine.denoising import Texts, TextWeight
from engine.models import library
from engine.models.diffusion.open_published import open_published
from engine.models.library import ModelLibrary
from engine.services.import_other import import_other, is_other
from engine.services.import_pipeline import import_single_file
from tests.engine.published import bring, node_of, refused, rendered
from tests.original_file import write_original
from tests.random_pipeline import SIZES, TextTower, write_json, write_part, write_random_pipeline

UNET: dict[str, Any] = {
    "sample_size": 64, "layers_per_block": 2, "block_out_channels": [64, 128],
    "cross_attention_dim": 64, "attention_head_dim": 8,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}  # fmt: skip
NEWER = {**UNET, "sample_size": 96, "attention_head_dim": [1, 2], "use_linear_projection": True}
VAE: dict[str, Any] = {
    "block_out_channels": [32, 64], "layers_per_block": 2,
    "down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2,
}  # fmt: skip


def write_folder(folder: Path, *, newer: bool = False) -> None:
    """A pipeline with what all such files have in common: 32 groups, heads of 64."""
    write_random_pipeline(folder, predicts="v_prediction" if newer else "epsilon")
    for part in ("unet", "vae", "text_encoder"):
        shutil.rmtree(folder / part)
    unet = NEWER if newer else UNET
    write_part(folder / "unet", UNet2DConditionModel(**unet), unet)
    write_part(folder / "vae", AutoencoderKL(**VAE), VAE)
    sizes = {**vars(SIZES), "hidden_size": 64, "num_attention_heads": 1,
             "hidden_act": "gelu" if newer else "quick_gelu"}  # fmt: skip
    tower = TextTower(type(SIZES)(**sizes))
    write_part(folder / "text_encoder", tower, sizes, prefix="text_model.")
    if newer:
        write_json(folder / "tokenizer" / "special_tokens_map.json", {"pad_token": "!"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "tiny-sd")
    return tmp_path / "tiny-sd"


@pytest.fixture
def file(tmp_path: Path, folder: Path) -> Path:
    (tmp_path / "alone").mkdir()
    write_original(folder, tmp_path / "alone" / "tiny.safetensors")
    shutil.copytree(folder / "tokenizer", tmp_path / "alone" / "tokenizer")
    return tmp_path / "alone" / "tiny.safetensors"


def test_the_file_of_these_tests_has_the_names_that_diffusers_reads(
    folder: Path, file: Path
) -> None:
    state = load_file(file)
    for part, made in (("unet", convert_ldm_unet_checkpoint(state, UNET)),
                       ("vae", convert_ldm_vae_checkpoint(state, VAE))):  # fmt: skip
        wanted = load_file(folder / part / "model.safetensors")
        assert made.keys() == wanted.keys()
        assert all(torch.equal(made[name].reshape(v.shape), v) for name, v in wanted.items())


@pytest.mark.parametrize("newer", [False, True])
def test_a_single_file_is_the_model_of_its_folder(tmp_path: Path, home: Path, newer: bool) -> None:
    folder, file = tmp_path / "tiny-sd", tmp_path / "tiny.safetensors"
    write_folder(folder, newer=newer)
    write_original(folder, file, open_clip=newer)
    shutil.copytree(folder / "tokenizer", tmp_path / "tokenizer")
    whole = bring(tmp_path / "other", folder)
    predicts: Any = "v" if newer else None
    card = import_single_file(home, file, None, lambda progress: None, CancelToken(), predicts)
    info = ModelLibrary(home, home / "bundled").denoisers()[-1]
    assert card["weights_sha256"] == whole.info.sha256
    ours, theirs = open_published(info), whole
    for name in ("prediction", "pad"):
        assert card["config"][name] == whole.info.card["config"][name]
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))
    words = (("a smiling woman", 1.0),)
    torch.testing.assert_close(
        ours.predict(x, 300.0, [words]), theirs.predict(x, 300.0, [words]), atol=1e-6, rtol=0
    )
    assert np.allclose(ours.schedule.betas, theirs.schedule.betas)
    assert ours.info.resolution == theirs.info.resolution
    with torch.no_grad():
        torch.testing.assert_close(ours.pixels(x), theirs.pixels(x), atol=1e-6, rtol=0)
        torch.testing.assert_close(
            ours.codes(torch.tanh(x[:, :3])), theirs.codes(torch.tanh(x[:, :3])), atol=1e-6, rtol=0
        )


def test_the_words_of_a_model_that_is_here_serve_a_file(
    file: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "bundled_folder", lambda: home / "bundled")
    shutil.rmtree(file.parent / "tokenizer")
    assert "holds no tokenizer, and none of 867 words is here" in refused(home, file)
    write_random_pipeline(tmp_path / "words")
    bring(home, tmp_path / "words")
    import_other(home, file, "mine", lambda progress: None, CancelToken())
    assert {i.name for i in ModelLibrary(home, home / "bundled").denoisers()} == {"words", "mine"}


def test_the_command_line_keeps_a_file_that_a_recipe_renders(
    file: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["import", str(file), "--name", "one"]) == 0
    assert "one: a diffusion model" in capsys.readouterr().out
    model = open_published(ModelLibrary(home, home / "bundled").denoisers()[-1])
    words = Texts((TextWeight("a smiling woman"),))
    assert rendered(home, node_of(model, steps=1, conditioning=words)).shape == (128, 128, 3)


def _changed(change: Callable[[dict[str, Tensor]], None]) -> Callable[[Path], None]:
    def apply(file: Path) -> None:
        state = dict(load_file(file))
        change(state)
        save_file(state, file)

    return apply


def _drop(prefix: str) -> Callable[[Path], None]:
    def change(state: dict[str, Tensor]) -> None:
        for name in [name for name in state if name.startswith(prefix)]:
            del state[name]

    return _changed(change)


U = "model.diffusion_model."
BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no texts": (_drop("cond_stage_model."), "lacks"),
    "no autoencoder": (_drop("first_stage_model."), "lacks"),
    "no middle": (_drop(f"{U}middle_block.1."), "lacks"),
    "one layer short": (_drop(f"{U}output_blocks.5.0."), "lacks the tensor"),
    "a tensor too many": (
        _changed(lambda s: s.update({f"{U}more.weight": torch.ones(2)})), "does not name",
    ),
    "another shape": (
        _changed(lambda s: s.update({f"{U}time_embed.0.weight": torch.ones(3, 3)})), "of the shape",
    ),
    "no numbers": (
        _changed(lambda s: s.update({f"{U}out.2.bias": torch.full((4,), float("nan"))})),
        "not finite",
    ),
    "another schedule": (
        _changed(lambda s: s.update({"alphas_cumprod": torch.linspace(1, 0, 1000)})), "schedule",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(file: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    damage(file)
    assert is_other(file)
    assert words in refused(home, file)


def answer_with_the_noise(folder: Path) -> None:
    """Teach a U-Net what one that predicts epsilon does at the last timestep."""
    net = UNet2DConditionModel(**NEWER)
    net.load_state_dict(load_file(folder / "unet" / "model.safetensors"))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    rng = torch.Generator().manual_seed(0)
    for _ in range(60):
        x = torch.randn(4, 4, 8, 8, generator=rng)
        text = torch.randn(4, 7, 64, generator=rng)
        out = net(x, 999, encoder_hidden_states=text).sample
        optimizer.zero_grad()
        (out - x).square().mean().backward()
        optimizer.step()
    write_part(folder / "unet", net, NEWER)


@pytest.mark.parametrize("predicts", ["v", "epsilon"])
def test_what_a_file_cannot_tell_is_found_by_asking_it(
    tmp_path: Path, home: Path, predicts: str
) -> None:
    folder = tmp_path / "tiny-sd"
    write_folder(folder, newer=True)
    if predicts == "epsilon":
        answer_with_the_noise(folder)
    write_original(folder, folder / "tiny.safetensors", open_clip=True)
    words = import_other(
        home, folder / "tiny.safetensors", None, lambda progress: None, CancelToken()
    )
    assert words == "tiny: a diffusion model, for Diffuse"
    model = open_published(ModelLibrary(home, home / "bundled").denoisers()[-1])
    assert model.prediction == predicts
    assert model.info.resolution == {"v": 192, "epsilon": 128}[predicts]


def test_other_files_of_weights_are_none(file: Path, tmp_path: Path) -> None:
    save_file({"w": torch.ones(2)}, tmp_path / "w.safetensors")
    assert not is_other(tmp_path / "w.safetensors")
    (tmp_path / "no.safetensors").write_text(json.dumps({}))
    assert not is_other(tmp_path / "no.safetensors")
