"""Published folders of Stable Diffusion: read safely, and the same pictures as diffusers' own."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

import main
from engine.cancel import CancelToken
from engine.denoising import ClassifierFree, ClipGuidance, Denoise, Texts, TextWeight
from engine.diffusion.noise import noise_of
from engine.errors import AtelierError
from engine.models.bundled import bundled_folder
from engine.models.diffusion import memory_plan
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.models.library import ModelLibrary
from engine.recipe import ModelRef, Seed
from engine.services import diffuse
from engine.services.diffusion import Place
from engine.services.import_pipeline import import_pipeline
from engine.services.model_list import model_lines, model_rows
from engine.services.published_files import is_pipeline_folder
from tests.random_pipeline import UNET, VAE, write_random_pipeline

PROMPT, NEGATIVE = "a smiling woman", "a hat"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_random_pipeline(tmp_path / "tiny-sd")
    return tmp_path / "tiny-sd"


def bring(home: Path, folder: Path) -> LatentDenoiser:
    import_pipeline(home, folder, None, lambda progress: None, CancelToken())
    return LatentDenoiser(ModelLibrary(home, home / "bundled").denoisers()[0])


def published(folder: Path, predicts: str = "epsilon") -> Any:
    """diffusers' own pipeline on the weights of the folder."""
    unet, vae = UNet2DConditionModel(**UNET), AutoencoderKL(**VAE)
    unet.load_state_dict(load_file(folder / "unet" / "model.safetensors"))
    vae.load_state_dict(load_file(folder / "vae" / "model.safetensors"))
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False,
        set_alpha_to_one=True, steps_offset=1, timestep_spacing="trailing",
        prediction_type=predicts,
    )  # fmt: skip
    pipeline = StableDiffusionPipeline(
        vae.eval(), None, None, unet.eval(), scheduler, None, None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.parametrize("predicts", ["epsilon", "v_prediction"])
def test_our_loop_makes_the_pictures_of_the_published_pipeline(
    tmp_path: Path, home: Path, predicts: str
) -> None:
    folder = tmp_path / "tiny-sd"
    write_random_pipeline(folder, predicts=predicts)
    model = bring(home, folder)
    node = Denoise(
        ModelRef(model.info.name, model.info.sha256), Seed(3),
        Texts((TextWeight(PROMPT),)), (ClassifierFree(5.0, Texts((TextWeight(NEGATIVE),))),),
        "ddim", 6, "trailing",
    )  # fmt: skip
    place = Place(home, home / "bundled")
    found = diffuse.denoise_image(place, node, None, fresh=True)
    made, trail = found.pixels, found.trail
    wanted, unwanted = (model.texts.of([((text, 1.0),)]) for text in (PROMPT, NEGATIVE))
    with torch.no_grad():
        theirs = published(folder, predicts)(
            prompt_embeds=wanted, negative_prompt_embeds=unwanted, guidance_scale=5.0,
            num_inference_steps=6, latents=noise_of(Seed(3), model.shape, _no_array),
            output_type="np",
        ).images[0]  # fmt: skip
    assert np.abs(made / 255 - theirs).max() < 0.51 / 255  # bytes round
    assert trail.shape == (6, 8, 8, 3)


def test_the_text_encoder_says_what_transformers_says(folder: Path, home: Path) -> None:
    model = bring(home, folder)
    config = json.loads((folder / "text_encoder" / "config.json").read_text())
    theirs = CLIPTextModel(CLIPTextConfig(**config)).eval()
    state = load_file(folder / "text_encoder" / "model.safetensors")
    bare = {name.removeprefix("text_model."): value for name, value in state.items()}
    names = theirs.state_dict().keys()
    theirs.load_state_dict(state if set(names) & set(state) else bare, strict=False)
    encoder = model.encoder
    with torch.no_grad():
        wanted = theirs(encoder.ids([PROMPT, ""])).last_hidden_state
    torch.testing.assert_close(encoder.read([PROMPT, ""]), wanted, atol=1e-5, rtol=1e-5)


def test_old_names_of_the_autoencoder_are_read(tmp_path: Path, home: Path) -> None:
    write_random_pipeline(tmp_path / "old", old=True)
    write_random_pipeline(tmp_path / "new")
    one, other = (bring(home / name, tmp_path / name) for name in ("old", "new"))
    assert one.info.sha256 == other.info.sha256


def test_the_preview_has_the_colours_of_the_picture(folder: Path, home: Path) -> None:
    model = bring(home, folder)
    flat = torch.tensor([0.5, -0.3, 0.8, 0.1])[None, :, None, None].expand(-1, -1, 8, 8)
    with torch.no_grad():
        seen = model.pixels(flat.contiguous()).mean((2, 3))
    torch.testing.assert_close(model.preview(flat).mean((2, 3)), seen, atol=0.1, rtol=0.1)


def test_a_clip_guides_codes_through_the_decoder(folder: Path, home: Path) -> None:
    model = bring(home, folder)
    shutil.copytree(bundled_folder() / "portraits-clip", home / "models" / "portraits-clip")
    clip = ModelLibrary(home, home / "bundled").clips()[0]
    plain = Denoise(ModelRef(model.info.name, model.info.sha256), Seed(3), steps=2)
    term = ClipGuidance(ModelRef(clip.name, clip.sha256), PROMPT, 20.0)
    place = Place(home, home / "bundled")
    first, second = (
        diffuse.denoise_image(place, node, None, fresh=True).pixels
        for node in (plain, replace(plain, guidance=(term,)))
    )
    assert not np.array_equal(first, second)


def _without(part: str) -> Any:
    return lambda folder: shutil.rmtree(folder / part)


def _config(part: str, **changes: Any) -> Any:
    def change(folder: Path) -> None:
        file = folder / part
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return change


def _nan(folder: Path) -> None:
    file = folder / "vae" / "model.safetensors"
    state = load_file(file)
    name = next(iter(state))
    save_file({**state, name: state[name] * float("nan")}, file)


def _program(folder: Path) -> None:
    (folder / "unet" / "model.py").write_text("raise SystemExit('code ran')")


def _pickle(folder: Path) -> None:
    (folder / "unet" / "model.safetensors").rename(folder / "unet" / "model.bin")


BROKEN = {
    "no U-Net": (_without("unet"), "part 'unet' is missing"),
    "no autoencoder": (_without("vae"), "part 'vae' is missing"),
    "no tokenizer": (_without("tokenizer"), "no tokenizer"),
    "no schedule": (_without("scheduler"), "part 'scheduler' is missing"),
    "no numbers": (_nan, "finite"),
    "a text of no size": (_config("text_encoder/config.json", hidden_size=-4), "hidden_size"),
    "a program": (_program, "a program or a pickle"),
    "a pickle": (_pickle, "a program or a pickle"),
    "another pipeline": (
        _config("model_index.json", _class_name="StableDiffusion3Pipeline"),
        "its pipeline is 'StableDiffusion3Pipeline'",
    ),
    "another size": (_config("unet/config.json", block_out_channels=[16, 64]), "of the shape"),
    "another kind": (
        _config("unet/config.json", addition_embed_type="text_time"), "addition_embed_type",
    ),
    "an editor": (_config("unet/config.json", in_channels=9), "9 channels"),
    "a tower": (_config("unet/config.json", layers_per_block=10**9), "layers_per_block"),
    "a schedule": (
        _config("scheduler/scheduler_config.json", beta_schedule="magic"), "schedule is 'magic'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(folder: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    damage(folder)
    with pytest.raises(AtelierError) as caught:
        import_pipeline(home, folder, None, lambda progress: None, CancelToken())
    assert words in str(caught.value)
    assert not list((home / "models").glob("*"))


def test_a_model_that_memory_cannot_hold_is_told_so(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_plan, "STEP_BYTES", 10**9)
    with pytest.raises(AtelierError, match=r"needs about .* GiB of memory to run; .* free"):
        import_pipeline(home, folder, None, lambda progress: None, CancelToken())
    assert not list((home / "models").glob("*"))


def test_what_is_imported_is_listed_with_its_size(folder: Path, home: Path) -> None:
    bring(home, folder)
    row = model_rows(ModelLibrary(home, home / "bundled"), lambda name: ())[0]
    words = " ".join(model_lines(row))
    assert "diffusion in codes, reads texts" in words
    assert row["bytes"] > 0
    assert "runs: float32 weights on the processor" in words


def test_what_a_model_needs_is_told_before_it_is_loaded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["inspect", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["family"] == "latent-diffusion"
    assert set(told["parts"]) == {"unet", "vae", "text"}
    assert sum(told["parts"].values()) == told["parameters"] > 10_000
    assert told["needs_gib"] <= told["here_gib"]
    assert told["runs"].startswith("float32 weights on the processor, about 2 MiB")


def test_a_pipeline_is_known_by_its_index(folder: Path, tmp_path: Path) -> None:
    assert is_pipeline_folder(folder)
    assert not is_pipeline_folder(tmp_path)


def _no_array(sha256: str) -> np.ndarray:
    raise AssertionError(sha256)
