"""ControlNet folders: the same pictures as diffusers' own pipelines, and edges to follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.pipelines.controlnet.pipeline_controlnet import StableDiffusionControlNetPipeline
from diffusers.pipelines.controlnet.pipeline_controlnet_sd_xl import (
    StableDiffusionXLControlNetPipeline,
)
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from safetensors.torch import load_file, save_file
from torch import nn

import main
from engine.cancel import CancelToken
from engine.controlling import Control, ControlInfo, Edges
from engine.denoising import Classes, ClassifierFree, Denoise
from engine.errors import ModelError, RecipeError
from engine.image.codec import encode
from engine.image.edges import canny
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.models.library import ModelLibrary
from engine.provenance.origin import models_of, photos_of, source_type
from engine.recipe import ModelRef, Photo, Recipe, Resize
from engine.services.diffuse import to_tensor
from engine.services.import_other import import_other
from engine.studio import Studio
from tests.engine.published import apart, begun, bring, node_of, refused, rendered
from tests.engine.test_editing_folders import MORE, NEGATIVE, PROMPT, picture, says
from tests.engine.test_sdxl_folder import EULER, encoded, published
from tests.random_pipeline import (
    TWINS,
    UNET,
    write_json,
    write_part,
    write_random_pipeline,
    write_random_sdxl,
)

# What a ControlNet has of its U-Net's settings, and what reads a picture twice as large as codes.
SHARED = ("layers_per_block", "block_out_channels", "norm_num_groups", "cross_attention_dim",
          "attention_head_dim", "down_block_types", "addition_embed_type",
          "addition_time_embed_dim", "projection_class_embeddings_input_dim",
          "transformer_layers_per_block", "use_linear_projection")  # fmt: skip
READS = {"conditioning_embedding_out_channels": [8, 16]}
OTHER = 5  # the seed of a second picture's noise


def write_control(folder: Path, unet: dict[str, Any], seed: int = 4, **more: Any) -> None:
    """A ControlNet of random weights, none of them zero. more: further settings."""
    net = {name: unet[name] for name in SHARED if name in unet} | READS | more
    torch.manual_seed(seed)
    made = ControlNetModel(**net)
    for block in (*made.controlnet_down_blocks, made.controlnet_mid_block,
                  made.controlnet_cond_embedding.conv_out):  # fmt: skip
        nn.init.normal_(block.weight, std=0.5)
    weights = "diffusion_pytorch_model.safetensors"
    write_part(folder, made, {"_class_name": "ControlNetModel", **net}, weights=weights)


def bring_control(home: Path, folder: Path) -> ControlInfo:
    words = import_other(home, folder, None, lambda progress: None, CancelToken())
    assert words == f"{folder.name}: a ControlNet, for --control and Diffuse"
    return next(c for c in ModelLibrary(home).controls() if c.name == folder.name)


def theirs_of(folder: Path) -> ControlNetModel:
    settings = json.loads((folder / "config.json").read_text())
    settings.pop("_class_name")
    net = ControlNetModel(**settings).eval()
    net.load_state_dict(load_file(folder / "diffusion_pytorch_model.safetensors"))
    return net


def follows(info: ControlInfo, **more: Any) -> Control:
    """A term of the guidance; what is followed is handed over as pixels by these tests."""
    return Control(ModelRef(info.name, info.sha256), Photo("a" * 64), **more)


@pytest.fixture
def both(tmp_path: Path, home: Path) -> tuple[LatentDenoiser, ControlInfo]:
    write_random_pipeline(tmp_path / "tiny-sd")
    write_control(tmp_path / "tiny-edges", UNET)
    model = bring(home, tmp_path / "tiny-sd")
    assert isinstance(model, LatentDenoiser)
    return model, bring_control(home, tmp_path / "tiny-edges")


def guided(model: Denoiser, *terms: Control, **more: Any) -> Denoise:
    guidance = (ClassifierFree(4.0, says(NEGATIVE)), *terms)
    return node_of(model, conditioning=says(PROMPT), guidance=guidance, **more)


@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (0.0, 0.5), (0.5, 1.0)])
@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_a_controlled_picture_is_that_of_the_published_pipeline(
    tmp_path: Path, home: Path, both: tuple[LatentDenoiser, ControlInfo], scale: float,
    start: float, end: float,
) -> None:  # fmt: skip
    model, info = both
    node = guided(model, follows(info, scale=scale, start=start, end=end), sampler="euler")
    made = rendered(home, node, controls=(picture(),))
    wanted, unwanted = model.texts.of([((PROMPT, 1.0),), ((NEGATIVE, 1.0),)])
    file = tmp_path / "tiny-sd" / "scheduler" / "scheduler_config.json"
    write_json(file, {**json.loads(file.read_text()), **EULER, "steps_offset": 0})
    theirs = published(
        StableDiffusionControlNetPipeline, tmp_path / "tiny-sd", EulerDiscreteScheduler,
        controlnet=theirs_of(tmp_path / "tiny-edges"), **MORE,
    )(
        image=to_tensor(picture()) / 2 + 0.5, prompt_embeds=wanted[None],
        negative_prompt_embeds=unwanted[None], guidance_scale=4.0, num_inference_steps=6,
        controlnet_conditioning_scale=scale, control_guidance_start=start,
        control_guidance_end=end, latents=begun(model), output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, theirs) < 1e-4
    assert np.abs(rendered(home, guided(model, sampler="euler")) - made).max() > 1e-3


def test_two_controls_are_added_as_the_published_pipeline_adds_them(
    tmp_path: Path, home: Path, both: tuple[LatentDenoiser, ControlInfo]
) -> None:
    model, info = both
    write_control(tmp_path / "tiny-depth", UNET, seed=6)
    other = bring_control(home, tmp_path / "tiny-depth")
    terms = follows(info, scale=0.7), follows(other, scale=0.5, end=0.5)
    second = np.ascontiguousarray(picture()[::-1])
    made = rendered(home, guided(model, *terms, spacing="trailing"), controls=(picture(), second))
    wanted, unwanted = model.texts.of([((PROMPT, 1.0),), ((NEGATIVE, 1.0),)])
    file = tmp_path / "tiny-sd" / "scheduler" / "scheduler_config.json"
    told = {"timestep_spacing": "trailing", "clip_sample": False, "set_alpha_to_one": True}
    write_json(file, {**json.loads(file.read_text()), **told})
    nets = [theirs_of(tmp_path / name) for name in ("tiny-edges", "tiny-depth")]
    theirs = published(
        StableDiffusionControlNetPipeline, tmp_path / "tiny-sd", DDIMScheduler,
        controlnet=nets, **MORE,
    )(
        image=[to_tensor(one) / 2 + 0.5 for one in (picture(), second)],
        prompt_embeds=wanted[None], negative_prompt_embeds=unwanted[None], guidance_scale=4.0,
        num_inference_steps=6, controlnet_conditioning_scale=[0.7, 0.5],
        control_guidance_start=[0.0, 0.0], control_guidance_end=[1.0, 0.5],
        latents=begun(model), output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, theirs) < 1e-4


def test_sdxl_is_controlled_as_in_the_published_pipeline(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "tiny-xl"
    write_random_sdxl(folder, EULER)
    write_control(tmp_path / "xl-edges", TWINS)
    model = bring(home, folder)
    info = bring_control(home, tmp_path / "xl-edges")
    guidance = (ClassifierFree(5.0, Classes()), follows(info, scale=0.8))
    node = node_of(model, sampler="euler", conditioning=says(PROMPT), guidance=guidance)
    made = rendered(home, node, controls=(picture(),))
    tokens, whole = encoded(folder, model, PROMPT)
    more = {"text_encoder_2": None, "tokenizer_2": None, "add_watermarker": False}
    theirs = published(
        StableDiffusionXLControlNetPipeline, folder, EulerDiscreteScheduler,
        controlnet=theirs_of(tmp_path / "xl-edges"), **more,
    )(
        image=to_tensor(picture()) / 2 + 0.5, prompt_embeds=tokens, pooled_prompt_embeds=whole,
        negative_prompt_embeds=torch.zeros_like(tokens),
        negative_pooled_prompt_embeds=torch.zeros_like(whole), guidance_scale=5.0,
        num_inference_steps=6, controlnet_conditioning_scale=0.8, latents=begun(model),
        output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, theirs) < 1e-4


def test_a_control_that_ends_elsewhere_begins_no_run_anew(
    home: Path, both: tuple[LatentDenoiser, ControlInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, info = both
    asked: list[float] = []
    plain = LatentDenoiser.predict

    def counted(self: LatentDenoiser, x: Any, t: float, conditions: Any) -> Any:
        asked.append(t)
        return plain(self, x, t, conditions)

    monkeypatch.setattr(LatentDenoiser, "predict", counted)
    for end, calls in ((1.0, 6), (0.5, 3), (2 / 3, 2), (0.5, 0)):
        node, before = guided(model, follows(info, end=end)), len(asked)
        quick = rendered(home, node, controls=(picture(),), fresh=False)
        assert len(asked) - before == calls
        assert np.array_equal(quick, rendered(home, node, controls=(picture(),)))
    off = guided(model, follows(info, scale=0.0))
    assert np.array_equal(rendered(home, off), rendered(home, guided(model)))


def test_what_is_followed_is_an_ingredient(
    home: Path, both: tuple[LatentDenoiser, ControlInfo], tmp_path: Path
) -> None:
    model, info = both
    photo = Photo("b" * 64)
    term = replace(follows(info), image=Edges(Resize(photo, 16, 16)))
    recipe = Recipe(guided(model, term))
    assert Recipe.from_json(recipe.canonical) == recipe
    assert photos_of(recipe) == ("b" * 64,)
    assert [ref.name for ref in models_of(recipe)] == ["tiny-sd", "tiny-edges"]
    assert source_type(recipe) == "compositeWithTrainedAlgorithmicMedia"


def test_the_command_line_follows_the_edges_of_a_photo(
    home: Path, both: tuple[LatentDenoiser, ControlInfo], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    photo, out = tmp_path / "photo.png", tmp_path / "made.png"
    photo.write_bytes(encode(np.repeat(picture(), 2, axis=1), "png"))
    asked = ["--model", "tiny-sd", "--seed", "3", "--prompt", PROMPT, "--steps", "2"]
    follow = ["--control", "tiny-edges", "--control-from", str(photo), "--edges"]
    more = [*follow, "--control-scale", "0.7", "--control-steps", "0.1,0.6"]
    more += ["--control-guidance", "1.5"]
    assert main.main(["export", *asked, *more, "--out", str(out)]) == 0
    assert main.main(["verify", str(out), "--json"]) == 0
    told = capsys.readouterr().out
    assert "compositeWithTrainedAlgorithmicMedia" in told
    recipe = Recipe.from_json(Studio().ledger.rows()[0].recipe)
    (term,) = [n for n in _terms(recipe) if isinstance(n, Control)]
    assert (term.scale, term.start, term.end, term.guidance) == (0.7, 0.1, 0.6, 1.5)
    assert isinstance(term.image, Edges)
    for words, said in ((["--control-scale", "2"], "goes with --control"),
                        (["--control", "tiny-edges"], "--control-from")):  # fmt: skip
        assert main.main(["export", *asked, *words, "--out", str(out)]) == 2
        assert said in capsys.readouterr().err
    wrong = ["--control", "nothing", "--control-from", str(photo)]
    assert main.main(["export", *asked, *wrong, "--out", str(out)]) == 1
    assert "tiny-edges" in capsys.readouterr().err


def _terms(recipe: Recipe) -> tuple[Any, ...]:
    image: Any = recipe.image
    while not isinstance(image, Denoise):
        image = image.image
    return image.guidance


def test_what_cannot_be_followed_is_refused(
    tmp_path: Path, home: Path, both: tuple[LatentDenoiser, ControlInfo]
) -> None:
    model, info = both
    with pytest.raises(RecipeError, match=r"16 x 16 px here, got 16 x 8"):
        rendered(home, guided(model, follows(info)), controls=(picture()[:8],))
    for name, changes, words in (
        ("wide", {"cross_attention_dim": 48}, "attends to 48 numbers a token, not 32"),
        ("deep", {"layers_per_block": 2}, "has 2 layers a level, not 1"),
        ("large", {"conditioning_embedding_out_channels": [8, 8, 8]}, "pictures 4 times as large"),
    ):
        write_control(tmp_path / name, UNET, **changes)
        node = guided(model, follows(bring_control(home, tmp_path / name)))
        with pytest.raises(ModelError, match=words):
            rendered(home, node, controls=(picture(),))
    missing = replace(follows(info), model=ModelRef("gone", "c" * 64))
    with pytest.raises(ModelError, match="not installed here"):
        rendered(home, guided(model, missing), controls=(picture(),))
    with pytest.raises(RecipeError, match="above the upper"):
        Edges(Photo("a" * 64), 300.0, 200.0)


def _nan(folder: Path) -> None:
    file = folder / "diffusion_pytorch_model.safetensors"
    state = load_file(file)
    save_file({**state, "conv_in.bias": state["conv_in.bias"] * float("nan")}, file)


def _config(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "config.json"
        write_json(file, {**json.loads(file.read_text()), **changes})

    return change


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no numbers": (_nan, "not finite"),
    "a pickle": (
        lambda folder: (folder / "diffusion_pytorch_model.safetensors").rename(folder / "a.bin"),
        "a program or a pickle",
    ),
    "a program": (lambda folder: (folder / "net.py").write_text("1"), "a program or a pickle"),
    "another size": (_config(block_out_channels=[16, 64]), "of the shape"),
    "another eye": (_config(conditioning_channels=4), "sees 4 channels"),
    "a tower": (_config(layers_per_block=10**9), "layers_per_block"),
    "classes": (_config(num_class_embeds=9), "classes"),
    "no places": (_config(global_pool_conditions=True), "as a whole"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    write_control(tmp_path / "tiny-edges", UNET)
    damage(tmp_path / "tiny-edges")
    assert words in refused(home, tmp_path / "tiny-edges")


def test_edges_are_those_of_the_library(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    rng = np.random.RandomState(0)
    for pixels in (picture(), rng.randint(0, 256, (40, 50, 3)).astype(np.uint8)):
        for low, high in ((100, 200), (30, 400)):
            made = canny(pixels, low, high)
            assert made.dtype == np.uint8
            assert np.array_equal(made[:, :, 0], cv2.Canny(pixels, low, high))


def test_edges_of_a_disc_are_its_rim() -> None:
    y, x = np.mgrid[:64, :64] - 31.5
    disc = np.where(x * x + y * y < 400, 255, 0).astype(np.uint8)
    found = canny(np.repeat(disc[:, :, None], 3, axis=2), 100, 200)[:, :, 0] > 0
    far = np.abs(np.hypot(x, y)[found] - 20)
    assert found.sum() > 90
    assert far.max() < 1.6
    assert not canny(np.full((9, 9, 3), 77, np.uint8), 0, 0).any()
