"""Published folders of upscalers, refiners, SDXL's inpainting and the first latent model of texts:
the same pictures as diffusers' own pipelines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vq_model import VQModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.latent_diffusion.pipeline_latent_diffusion import (
    LDMBertConfig,
    LDMBertModel,
    LDMTextToImagePipeline,
)
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_upscale import (
    StableDiffusionUpscalePipeline,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_img2img import (
    StableDiffusionXLImg2ImgPipeline,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_inpaint import (
    StableDiffusionXLInpaintPipeline,
)
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from safetensors.torch import load_file
from transformers import BertTokenizer, CLIPTextModelWithProjection

from engine.denoising import ClassifierFree, Dab
from engine.errors import RecipeError
from engine.image.discs import inside_discs
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.perception.wordpiece import WORDS, read_wordpiece
from engine.services.diffuse import to_tensor
from engine.services.diffusion import Source
from tests.engine.published import ADDED, apart, begun, bring, given, node_of, refused, rendered
from tests.engine.test_editing_folders import picture, words
from tests.engine.test_sdxl_folder import EULER, NEGATIVE, PROMPT, encoded, published, says
from tests.random_pipeline import (
    TWINS,
    UNET,
    WIDTH,
    write_json,
    write_part,
    write_random_pipeline,
    write_random_sdxl,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
LOW = {"beta_schedule": "scaled_linear", "beta_start": 0.0001, "beta_end": 0.02}
BERT = {"vocab_size": 130, "max_position_embeddings": 77, "encoder_layers": 2,
        "encoder_ffn_dim": 48, "encoder_attention_heads": 2, "head_dim": 8,
        "d_model": 32}  # fmt: skip
LARGE: dict[str, Any] = {"block_out_channels": [8, 8, 8, 8], "norm_num_groups": 4,
         "down_block_types": ["DownEncoderBlock2D"] * 4,
         "up_block_types": ["UpDecoderBlock2D"] * 4}  # fmt: skip


def _told(folder: Path, **changes: Any) -> None:
    file = folder / "scheduler" / "scheduler_config.json"
    write_json(file, {**json.loads(file.read_text()), **changes})


def _again(folder: Path, kind: str, settings: dict[str, Any]) -> None:
    """Another U-Net and another name for a pipeline's folder."""
    shutil.rmtree(folder / "unet")
    torch.manual_seed(2)
    write_part(folder / "unet", UNet2DConditionModel(**settings), {"_class_name": "U", **settings})
    file = folder / "model_index.json"
    write_json(file, {**json.loads(file.read_text()), "_class_name": kind})


def write_upscaler(folder: Path) -> None:
    write_random_pipeline(folder)
    _again(folder, "StableDiffusionUpscalePipeline",
           {**UNET, "in_channels": 7, "num_class_embeds": 1000})  # fmt: skip
    _told(folder, **EULER)
    file = folder / "vae" / "config.json"
    write_json(file, {**json.loads(file.read_text()), "scaling_factor": 0.08333})
    (folder / "low_res_scheduler").mkdir()
    write_json(folder / "low_res_scheduler" / "scheduler_config.json", LOW)


def test_an_upscaler_makes_the_picture_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tiny-x2"
    write_upscaler(folder)
    model = bring(home, folder)
    assert isinstance(model, LatentDenoiser)
    assert (model.info.resolution, model.info.begins_px) == (16, 8)
    small = np.ascontiguousarray(picture()[::2, ::2])
    guided = (ClassifierFree(6.0, says(NEGATIVE)),)
    node = node_of(model, sampler="euler", conditioning=says(PROMPT), guidance=guided)
    made = rendered(home, node, Source(small, 1.0))
    wanted, unwanted = words(model)
    noise = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(ADDED))
    theirs = published(
        StableDiffusionUpscalePipeline, folder, EulerDiscreteScheduler,
        low_res_scheduler=DDPMScheduler(**LOW),
    )  # fmt: skip
    given(monkeypatch, theirs, noise)
    shown = theirs(
        image=to_tensor(small) / 2 + 0.5, prompt_embeds=wanted, negative_prompt_embeds=unwanted,
        guidance_scale=6.0, num_inference_steps=6, latents=begun(model), output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, shown) < 1e-4
    other = rendered(home, node, Source(np.ascontiguousarray(small[::-1]), 1.0))
    assert np.abs(made - other).max() > 1e-3


def test_an_upscaler_enlarges_a_whole_small_picture(tmp_path: Path, home: Path) -> None:
    write_upscaler(tmp_path / "tiny-x2")
    node = node_of(bring(home, tmp_path / "tiny-x2"))
    small = np.ascontiguousarray(picture()[::2, ::2])
    for source, said in ((Source(picture(), 1.0), "8 x 8 px anew, got 16 x 16"),
                         (Source(small, 0.5), "strength to 1"),
                         (Source(small, 1.0, (Dab(0.5, 0.5, 0.2),)), "no mask")):  # fmt: skip
        with pytest.raises(RecipeError, match=said):
            rendered(home, node, source)
    with pytest.raises(RecipeError, match="was given none"):
        rendered(home, node)
    shutil.rmtree(tmp_path / "tiny-x2" / "low_res_scheduler")
    assert "'low_res_scheduler' is missing" in refused(home / "b", tmp_path / "tiny-x2")


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_sdxl_inpainting_makes_the_picture_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, strength: float
) -> None:
    folder, dabs = tmp_path / "tiny-xl", (Dab(0.3, 0.4, 0.35),)
    write_random_sdxl(folder, EULER)
    _again(folder, "StableDiffusionXLInpaintPipeline", {**TWINS, "in_channels": 9})
    model = bring(home, folder)
    guided = (ClassifierFree(5.0, says(NEGATIVE)),)
    node = node_of(model, sampler="euler", conditioning=says(PROMPT), guidance=guided)
    made = rendered(home, node, Source(picture(), strength, dabs))
    mask = torch.from_numpy(inside_discs(np.array([(0.3, 0.4, 0.35)], np.float32), 16)).float()
    image = to_tensor(picture())
    with torch.no_grad():
        seen, codes = model.codes(image * (1 - mask)), model.codes(image)
    tokens, whole = encoded(folder, model, PROMPT)
    other, another = encoded(folder, model, NEGATIVE)
    more = {"text_encoder_2": None, "tokenizer_2": None, "add_watermarker": False}
    theirs = published(StableDiffusionXLInpaintPipeline, folder, EulerDiscreteScheduler, **more)
    given(monkeypatch, theirs, begun(model))
    shown = theirs(
        prompt_embeds=tokens, pooled_prompt_embeds=whole, negative_prompt_embeds=other,
        negative_pooled_prompt_embeds=another, guidance_scale=5.0, num_inference_steps=6,
        image=codes, mask_image=mask[None, None], masked_image_latents=seen, strength=strength,
        height=16, width=16, output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, shown) < 1e-4


def write_refiner(folder: Path) -> None:
    write_random_sdxl(folder, EULER)
    for part in ("text_encoder", "tokenizer"):
        shutil.rmtree(folder / part)
    net = {**TWINS, "cross_attention_dim": 48,
           "projection_class_embeddings_input_dim": 5 * 8 + WIDTH}  # fmt: skip
    _again(folder, "StableDiffusionXLImg2ImgPipeline", net)
    file = folder / "model_index.json"
    write_json(file, {**json.loads(file.read_text()), "requires_aesthetics_score": True})


def test_a_refiner_makes_the_picture_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tiny-refiner"
    write_refiner(folder)
    model = bring(home, folder)
    assert isinstance(model, LatentDenoiser)
    assert model.twins is not None
    guided = (ClassifierFree(5.0, says(NEGATIVE)),)
    node = node_of(model, sampler="euler", conditioning=says(PROMPT), guidance=guided)
    made = rendered(home, node, Source(picture(), 0.5))
    encoder = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2").eval()
    with torch.no_grad():
        one, two = (
            encoder(model.twins.second.ids([text]), output_hidden_states=True)
            for text in (PROMPT, NEGATIVE)
        )
        codes = model.codes(to_tensor(picture()))
    theirs = published(
        StableDiffusionXLImg2ImgPipeline, folder, EulerDiscreteScheduler, text_encoder_2=None,
        tokenizer_2=None, add_watermarker=False, requires_aesthetics_score=True,
    )  # fmt: skip
    given(monkeypatch, theirs, begun(model))
    shown = theirs(
        prompt_embeds=one.hidden_states[-2], pooled_prompt_embeds=one.text_embeds,
        negative_prompt_embeds=two.hidden_states[-2], negative_pooled_prompt_embeds=two.text_embeds,
        guidance_scale=5.0, num_inference_steps=6, image=codes, strength=0.5, output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, shown) < 1e-4


def _coder(quantised: bool) -> tuple[Any, dict[str, Any]]:
    """An autoencoder, and its settings; few codes, so that no two are equally near."""
    settings = {**LARGE, "num_vq_embeddings": 8} if quantised else LARGE
    return (VQModel if quantised else AutoencoderKL)(**settings), settings


def write_latent_texts(folder: Path, *, quantised: bool) -> None:
    write_random_pipeline(folder)
    for part in ("vae", "text_encoder", "tokenizer"):
        shutil.rmtree(folder / part)
    channels = 3 if quantised else 4
    net = {**UNET, "in_channels": channels, "out_channels": channels}
    _again(folder, "LDMTextToImagePipeline", net)
    torch.manual_seed(3)
    told = {"_class_name": "VQModel" if quantised else "AutoencoderKL", **_coder(quantised)[1]}
    write_part(folder / "vqvae", _coder(quantised)[0], told)
    write_part(folder / "bert", LDMBertModel(LDMBertConfig(**BERT)), BERT)
    (folder / "tokenizer").mkdir()
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "smiling", "wo", "##man", "!", "'",
             "hat", "un", "##aff", "##able", "好", "cafe", "-", *LETTERS,
             *(f"##{letter}" for letter in LETTERS)]  # fmt: skip
    known += [f"[unused{i}]" for i in range(BERT["vocab_size"] - len(known))]
    (folder / "tokenizer" / WORDS).write_text("\n".join(known) + "\n", encoding="utf-8")
    _told(folder, beta_start=0.0015, beta_end=0.0195, clip_sample=False, set_alpha_to_one=True)


@pytest.mark.parametrize("quantised", [False, True])
def test_the_first_latent_model_of_texts_makes_the_picture_of_the_published_pipeline(
    tmp_path: Path, home: Path, quantised: bool
) -> None:
    folder = tmp_path / "tiny-ldm"
    write_latent_texts(folder, quantised=quantised)
    model = bring(home, folder)
    node = node_of(model, conditioning=says(PROMPT), guidance=(ClassifierFree(5.0),))
    made = rendered(home, node)
    settings = json.loads((folder / "unet" / "config.json").read_text())
    settings.pop("_class_name")
    unet = UNet2DConditionModel(**settings)
    coder = _coder(quantised)[0]
    bert = LDMBertModel(LDMBertConfig(**BERT))
    for part, net in (("unet", unet), ("vqvae", coder), ("bert", bert)):
        net.load_state_dict(load_file(folder / part / "model.safetensors"))
        net.eval()
    plain = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    scheduler = DDIMScheduler.from_config({**plain, "steps_offset": 0})
    tokenizer = BertTokenizer(str(folder / "tokenizer" / WORDS))
    pipeline = LDMTextToImagePipeline(coder, bert, tokenizer, unet, scheduler)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        [PROMPT], guidance_scale=5.0, num_inference_steps=6, latents=begun(model), output_type="np"
    ).images[0]
    assert apart(made, theirs) < 1e-4
    plain_picture = rendered(home, node_of(model, conditioning=says(NEGATIVE)))
    assert np.abs(made - plain_picture).max() > 1e-3


TEXTS = [PROMPT, "", "UNAFFABLE hats!!", "café-Wo'man 好好", "a\tb\n  c\u200bd", "z" * 120,
         "ǆ ß ﬁ 7½", "ÀÉ\u0301 x_y [SEP] €", " ".join(["unaffable"] * 60)]  # fmt: skip


def test_words_are_parted_as_transformers_parts_them(tmp_path: Path) -> None:
    write_latent_texts(tmp_path / "tiny-ldm", quantised=False)
    folder = tmp_path / "tiny-ldm" / "tokenizer"
    theirs = BertTokenizer(str(folder / WORDS))
    ours = read_wordpiece(folder)
    for text in TEXTS:
        if "[SEP]" in text:
            continue  # a special word in a text is an ordinary text here
        wanted = theirs(text, padding="max_length", max_length=77, truncation=True)["input_ids"]
        assert ours.tokens([text], 77).ids[0].tolist() == wanted
    ours.write(tmp_path)
    assert read_wordpiece(tmp_path).vocab == ours.vocab


def test_a_text_cannot_say_the_end(tmp_path: Path) -> None:
    write_latent_texts(tmp_path / "tiny-ldm", quantised=False)
    words = read_wordpiece(tmp_path / "tiny-ldm" / "tokenizer")
    assert words.end not in words.encode("a [SEP] b")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: shutil.rmtree(f / "bert"), "'bert' is missing"),
        (lambda f: shutil.rmtree(f / "vqvae"), "'vqvae' is missing"),
        (lambda f: (f / "tokenizer" / WORDS).unlink(), "no vocab.txt"),
        (lambda f: (f / "tokenizer" / WORDS).write_text("a\nb\n"), r"lacks the word [PAD]"),
        (lambda f: write_json(f / "bert" / "config.json", {**BERT, "encoder_layers": 10**6}),
         "encoder_layers is '1000000'"),
        (lambda f: write_json(f / "bert" / "config.json", {**BERT, "d_model": 40}), "make 40"),
    ],
)  # fmt: skip
def test_what_is_missing_or_odd_is_one_clear_error(
    tmp_path: Path, home: Path, damage: Any, said: str
) -> None:
    write_latent_texts(tmp_path / "tiny-ldm", quantised=False)
    damage(tmp_path / "tiny-ldm")
    assert said in refused(home, tmp_path / "tiny-ldm")
