"""Published folders of DeepFloyd IF: the same pictures as diffusers' own pipelines, and T5."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.deepfloyd_if.pipeline_if import IFPipeline
from diffusers.pipelines.deepfloyd_if.pipeline_if_superresolution import IFSuperResolutionPipeline
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import nn
from transformers import T5Config, T5EncoderModel

from engine.denoising import ClassifierFree
from engine.errors import RecipeError
from engine.models.diffusion.imagen_config import CONTEXT
from engine.models.diffusion.imagen_denoiser import ImagenDenoiser
from engine.perception.unigram import PROTOBUF, Unigram, read_unigram
from engine.services.diffuse import to_tensor
from engine.services.diffusion import Source
from tests.engine.published import (
    ADDED,
    added,
    apart,
    begun,
    bring,
    node_of,
    refused,
    rendered,
)
from tests.engine.test_editing_folders import picture
from tests.engine.test_sdxl_folder import NEGATIVE, PROMPT, says
from tests.random_pipeline import write_json, write_part

UNET: dict[str, Any] = {
    "sample_size": 16, "layers_per_block": 1, "block_out_channels": [32, 64], "in_channels": 3,
    "out_channels": 6, "cross_attention_dim": 32, "encoder_hid_dim": 24,
    "encoder_hid_dim_type": "text_proj", "attention_head_dim": 8,
    "addition_embed_type": "text", "addition_embed_type_num_heads": 2,
    "cross_attention_norm": "group_norm", "resnet_time_scale_shift": "scale_shift",
    "act_fn": "gelu", "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
    "up_block_types": ["SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"],
}  # fmt: skip
SECOND = {**UNET, "in_channels": 6, "class_embed_type": "timestep", "sample_size": 32}
T5 = {"vocab_size": 60, "d_model": 24, "d_kv": 6, "d_ff": 40, "num_layers": 3, "num_heads": 3,
      "feed_forward_proj": "gated-gelu", "relative_attention_max_distance": 20,
      "relative_attention_num_buckets": 16}  # fmt: skip
SCHEDULER = {"_class_name": "DDPMScheduler", "beta_schedule": "squaredcos_cap_v2",
             "variance_type": "learned_range", "thresholding": True}  # fmt: skip
PIECES = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), ("▁a", -2.5), ("▁hat", -3.1),
          ("▁sm", -4.0), ("il", -3.3), ("ing", -3.0), ("iling", -5.9), ("▁wo", -4.4),
          ("man", -3.7), ("hat", -4.9), ("½", -9.0), ("1⁄2", -4.1),
          *((letter, -6.0 - 0.1 * i) for i, letter in enumerate("aehimnostwl2")),
          ("<extra_id_0>", 0.0)]  # fmt: skip


def protobuf(pieces: list[tuple[str, float]]) -> bytes:
    """As SentencePiece writes its model, with a field that is skipped."""
    found = b""
    for index, (piece, score) in enumerate(pieces):
        text = piece.encode()
        kind = 2 if index == 2 else 3 if index < 2 else 4 if piece.startswith("<") else 1
        told = b"\x0a" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", score)
        told += b"\x18" + bytes([kind])
        found += b"\x0a" + bytes([len(told)]) + told
    return found + b"\x12\x02\x08\x01"


def write_imagen(folder: Path, *, second: bool = False) -> None:
    torch.manual_seed(0)
    unet = SECOND if second else UNET
    write_part(folder / "unet", UNet2DConditionModel(**unet), {"_class_name": "U", **unet})
    net = T5EncoderModel(T5Config(**T5))
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.2)
    write_part(folder / "text_encoder", _Once(net), T5)
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / PROTOBUF).write_bytes(protobuf(PIECES))
    for name in ("scheduler", *(["image_noising_scheduler"] if second else [])):
        (folder / name).mkdir()
        write_json(folder / name / "scheduler_config.json", SCHEDULER)
    kind = "IFSuperResolutionPipeline" if second else "IFPipeline"
    write_json(folder / "model_index.json", {"_class_name": kind})


class _Once(nn.Module):
    """A network whose embedding is stored once."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def state_dict(self, **more: Any) -> Any:
        state = self.net.state_dict()
        state.pop("encoder.embed_tokens.weight", None)
        return state


def parts_of(folder: Path, model: ImagenDenoiser) -> tuple[UNet2DConditionModel, Any]:
    """diffusers' U-Net, and what transformers makes of a text with our tokens."""
    unet = UNet2DConditionModel(**(SECOND if model.config.low is not None else UNET)).eval()
    unet.load_state_dict(load_file(folder / "unet" / "model.safetensors"))
    encoder = T5EncoderModel(T5Config(**T5)).eval()
    state = load_file(folder / "text_encoder" / "model.safetensors")
    encoder.load_state_dict(state, strict=False)

    @torch.no_grad()
    def read(text: str) -> torch.Tensor:
        ids = torch.from_numpy(model.tokenizer.tokens([text], CONTEXT).ids)
        return encoder(ids, attention_mask=(ids != 0).long()).last_hidden_state

    return unet, read


def ddpm() -> DDPMScheduler:
    return DDPMScheduler(beta_schedule="squaredcos_cap_v2", variance_type="learned_range")


MORE = {"tokenizer": None, "text_encoder": None, "safety_checker": None,
        "feature_extractor": None, "watermarker": None,
        "requires_safety_checker": False}  # fmt: skip


def noises(patch: pytest.MonkeyPatch, pipeline: Any, *found: torch.Tensor) -> None:
    """Let a pipeline draw these, one after the other."""
    left = list(found)
    module = __import__(type(pipeline).__module__, fromlist=["randn_tensor"])
    patch.setattr(module, "randn_tensor", lambda *shape, **more: left.pop(0).clone())


def opened(tmp_path: Path, home: Path, *, second: bool = False) -> tuple[Path, ImagenDenoiser]:
    folder = tmp_path / "tiny-if"
    write_imagen(folder, second=second)
    model = bring(home, folder)
    assert isinstance(model, ImagenDenoiser)
    return folder, model


def test_a_first_stage_makes_the_picture_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, model = opened(tmp_path, home)
    guided = (ClassifierFree(2.0, says(NEGATIVE)),)  # more makes more of what floats round
    node = node_of(model, sampler="ddpm", conditioning=says(PROMPT), guidance=guided)
    made = rendered(home, node)
    unet, read = parts_of(folder, model)
    theirs = IFPipeline(unet=unet, scheduler=ddpm(), **MORE)
    theirs.set_progress_bar_config(disable=True)
    noises(monkeypatch, theirs, begun(model))
    shown = theirs(
        prompt_embeds=read(PROMPT), negative_prompt_embeds=read(NEGATIVE), guidance_scale=2.0,
        num_inference_steps=6, generator=added(), output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, shown) < 1e-4


def test_a_second_stage_makes_the_picture_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, model = opened(tmp_path, home, second=True)
    assert (model.info.resolution, model.info.begins_px) == (32, 8)
    small = np.ascontiguousarray(picture()[::2, ::2])
    guided = (ClassifierFree(4.0, says(NEGATIVE)),)
    node = node_of(model, sampler="ddpm", conditioning=says(PROMPT), guidance=guided)
    made = rendered(home, node, Source(small, 1.0))
    unet, read = parts_of(folder, model)
    theirs = IFSuperResolutionPipeline(
        unet=unet, scheduler=ddpm(), image_noising_scheduler=ddpm(), **MORE
    )
    theirs.set_progress_bar_config(disable=True)
    noise = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(ADDED))
    noises(monkeypatch, theirs, begun(model), noise)
    shown = theirs(
        image=to_tensor(small), prompt_embeds=read(PROMPT), negative_prompt_embeds=read(NEGATIVE),
        guidance_scale=4.0, num_inference_steps=6, generator=added(), output_type="np",
    ).images[0]  # fmt: skip
    assert apart(made, shown) < 1e-4
    other = rendered(home, node, Source(np.ascontiguousarray(small[::-1]), 1.0))
    assert np.abs(made - other).max() > 1e-3
    with pytest.raises(RecipeError, match="was given none"):
        rendered(home, node)


def test_t5_says_what_transformers_says(tmp_path: Path, home: Path) -> None:
    folder, model = opened(tmp_path, home)
    _, read = parts_of(folder, model)
    long = "a hat " * 50
    for text in (PROMPT, "", long):
        wanted = read(text)
        torch.testing.assert_close(model.read([text]), wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model.read(["A Hat"]), model.read(["a hat"]))


def test_pieces_are_those_of_the_library(tmp_path: Path) -> None:
    (tmp_path / PROTOBUF).write_bytes(protobuf(PIECES))
    ours = read_unigram(tmp_path)
    assert [piece for piece, _ in ours.pieces] == [piece for piece, _ in PIECES]
    normal = [(p, s) if i > 2 and not p.startswith("<") else (p, -100.0)
              for i, (p, s) in enumerate(PIECES)]  # fmt: skip
    theirs = Tokenizer(models.Unigram(normal, unk_id=2, byte_fallback=False))
    theirs.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()])
    theirs.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    for text in (
        "a smiling woman",
        "hats",
        "that man",
        "zebra",
        "a xyz hat",
        "½ hat",
        "smilingman",
    ):
        assert ours.encode(text) == theirs.encode(text).ids, text
    assert ours.encode("  a \t hat ") == ours.encode("a hat")
    assert ours.encode("") == []
    assert ours.end not in ours.encode("a </s> hat")
    assert ours.tokens(["a hat"], 5).ids.tolist() == [[4, 5, 1, 0, 0]]
    assert ours.tokens(["hat hat hat"], 3).ids.tolist() == [[5, 5, 1]]
    (tmp_path / "again").mkdir()
    ours.write(tmp_path / "again")
    again = read_unigram(tmp_path / "again")
    assert (again.pieces, again.special) == (ours.pieces, ours.special)
    assert isinstance(again, Unigram)


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no encoder": (lambda f: shutil.rmtree(f / "text_encoder"), "'text_encoder' is missing"),
    "no words": (lambda f: (f / "tokenizer" / PROTOBUF).unlink(), "no tokenizer"),
    "words cut off": (
        lambda f: (f / "tokenizer" / PROTOBUF).write_bytes(protobuf(PIECES)[:-9]), "damaged",
    ),
    "few words": (
        lambda f: (f / "tokenizer" / PROTOBUF).write_bytes(protobuf(PIECES[3:])), "lacks the piece",
    ),
    "another text": (
        lambda f: write_json(f / "text_encoder" / "config.json", {**T5, "d_model": 30}),
        "30 is needed",
    ),
    "another T5": (
        lambda f: write_json(
            f / "text_encoder" / "config.json", {**T5, "feed_forward_proj": "relu"}
        ),
        "feed_forward_proj",
    ),
    "a second stage": (
        lambda f: write_json(f / "unet" / "config.json", {**UNET, "in_channels": 6}), "3 is needed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    write_imagen(tmp_path / "tiny-if")
    damage(tmp_path / "tiny-if")
    assert words in refused(home, tmp_path / "tiny-if")
