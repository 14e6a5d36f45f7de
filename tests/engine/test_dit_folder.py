"""Published folders of diffusion transformers: the same pictures as diffusers' own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.dit_transformer_2d import DiTTransformer2DModel
from diffusers.pipelines.dit.pipeline_dit import DiTPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from safetensors.torch import load_file, save_file

from engine.denoising import Classes, ClassifierFree
from engine.errors import RecipeError
from engine.recipe import ClassWeight
from tests.engine.published import apart, begun, bring, given, node_of, refused, rendered
from tests.random_pipeline import VAE, write_json, write_part

NET: dict[str, Any] = {
    "num_attention_heads": 2, "attention_head_dim": 8, "in_channels": 4, "out_channels": 8,
    "num_layers": 2, "sample_size": 8, "patch_size": 2, "num_embeds_ada_norm": 1000,
    "norm_type": "ada_norm_zero",
}  # fmt: skip
SCHEDULER = {
    "_class_name": "DDIMScheduler", "beta_schedule": "linear", "beta_start": 0.0001,
    "beta_end": 0.02, "clip_sample": False, "num_train_timesteps": 1000,
}  # fmt: skip


def write_dit(folder: Path) -> None:
    torch.manual_seed(0)
    net = DiTTransformer2DModel(**NET)
    write_part(folder / "transformer", net, {"_class_name": "Transformer2DModel", **NET})
    write_part(folder / "vae", AutoencoderKL(**VAE), {"_class_name": "AutoencoderKL", **VAE})
    (folder / "scheduler").mkdir()
    write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)
    names = {"0": "tench, Tinca tinca", "7": "cock"}
    write_json(folder / "model_index.json", {"_class_name": "DiTPipeline", "id2label": names})


def published(folder: Path) -> Any:
    net, vae = DiTTransformer2DModel(**NET), AutoencoderKL(**VAE)
    net.load_state_dict(load_file(folder / "transformer" / "model.safetensors"))
    vae.load_state_dict(load_file(folder / "vae" / "model.safetensors"))
    pipeline = DiTPipeline(net.eval(), vae.eval(), DDIMScheduler.from_config(SCHEDULER))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_transformers_make_the_pictures_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, scale: float
) -> None:
    folder = tmp_path / "tiny-dit"
    write_dit(folder)
    model = bring(home, folder)
    assert model.info.classes[:2] == ("tench", "1")
    told = Classes((ClassWeight(7, 1.0),))
    made = rendered(home, node_of(model, conditioning=told, guidance=(ClassifierFree(scale),)))
    pipeline = published(folder)
    given(monkeypatch, pipeline, begun(model))
    theirs = pipeline([7], guidance_scale=scale, num_inference_steps=6, output_type="np").images[0]
    assert apart(made, theirs) < 1e-4


def test_classes_are_blended_and_told_apart(tmp_path: Path, home: Path) -> None:
    write_dit(tmp_path / "tiny-dit")
    model = bring(home, tmp_path / "tiny-dit")
    x = begun(model)
    one, half, none = model.predict(x, 500.0, [((7, 1.0),), ((7, 0.5), (0, 0.5)), ()])
    assert not torch.allclose(one, half)
    assert not torch.allclose(half, none)
    with pytest.raises(RecipeError, match="the classes 0 to 999, got 1000"):
        rendered(home, node_of(model, conditioning=Classes((ClassWeight(1000, 1.0),))))


def _config(part: str, **changes: Any) -> Any:
    def change(folder: Path) -> None:
        file = folder / part
        write_json(file, {**json.loads(file.read_text()), **changes})

    return change


def _short(folder: Path) -> None:
    file = folder / "transformer" / "model.safetensors"
    state = load_file(file)
    del state["proj_out_2.bias"]
    save_file(state, file)


CONFIG = "transformer/config.json"
BROKEN = {
    "no transformer": (lambda f: shutil.rmtree(f / "transformer"), "'transformer' is missing"),
    "no decoder": (lambda f: shutil.rmtree(f / "vae"), "'vae' is missing"),
    "no schedule": (lambda f: shutil.rmtree(f / "scheduler"), "'scheduler' is missing"),
    "a tensor short": (_short, "lacks the tensor 'proj_out_2.bias'"),
    "another network": (_config(CONFIG, _class_name="SD3Transformer2DModel"), "'SD3Transf"),
    "no classes": (_config(CONFIG, num_embeds_ada_norm=None), "'None' classes"),
    "other classes": (_config(CONFIG, num_embeds_ada_norm=10), "of the shape"),
    "five channels": (_config(CONFIG, out_channels=5), "makes 5"),
    "another kind": (_config(CONFIG, norm_type="layer_norm"), "no such network"),
    "a tower": (_config(CONFIG, num_layers=10**6), "num_layers"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    write_dit(tmp_path / "tiny-dit")
    damage(tmp_path / "tiny-dit")
    assert words in refused(home, tmp_path / "tiny-dit")
