"""Folders of Stable Diffusion 1.x and 2.x (Rombach et al., 2022), of SDXL (Podell et al., 2023)
and of what was distilled from them, as diffusers writes pipelines.

The parts are `unet`, `vae`, `text_encoder`, `tokenizer` and `scheduler`; SDXL has `text_encoder_2`
and `tokenizer_2` besides, its refiner in their place; an upscaler has a `low_res_scheduler`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.folder import read_json
from engine.checkpoints.raw import RawCheckpoint
from engine.models.diffusion.eyes_config import EYES
from engine.models.diffusion.latent_config import (
    LATENT,
    TEXT,
    TEXT_2,
    UNET,
    VAE,
    Decodes,
    LatentConfig,
    Shown,
)
from engine.models.diffusion.part_settings import refuse
from engine.models.published.pipeline_parts import (
    INDEX,
    LCM,
    Pipeline,
    colours_of,
    pad_of,
    part_of,
    schedule_of,
    scheduler_of,
    settings_of,
    today,
    tower_tensors,
)
from engine.perception.bert_sizes import read_bert_sizes
from engine.perception.clip.tokenizer import Tokenizer, read_tokenizer
from engine.perception.wordpiece import read_wordpiece

Tensors = dict[str, np.ndarray]
# What the U-Net of a pipeline of texts leaves at None; others are told more than texts.
PLAIN_UNET = ("encoder_hid_dim_type", "attention_type")
BERT = ("model.", "to_logits.")  # the encoder, and what guessed words in its training


def read_stable_diffusion(path: Path, raw: RawCheckpoint, shown: Shown = "") -> Pipeline:
    """What a folder of 1.x or 2.x is. shown: what its U-Net may see, see LatentConfig.

    Raises ModelError, CheckpointError or Refusal for a part that is missing or of another kind.
    """
    tokenizer = read_tokenizer(path / "tokenizer")
    plain, tensors = _common(path, raw)
    more, words = _clip(path, raw, "", tokenizer)
    if shown == "small":
        low = scheduler_of(path, path.name, "low_res_scheduler")
        plain["low"] = schedule_of(low, path.name)[0].to_dict()
    if shown == "like":
        plain["eyes"], eyes = _eyes(path, raw)
        words |= eyes
    return _checked(path, plain | more, tensors | words, tokenizer, shown)


def read_inpainting(path: Path, raw: RawCheckpoint) -> Pipeline:
    """As read_stable_diffusion, for a U-Net that may see a mask and what it leaves."""
    return read_stable_diffusion(path, raw, "masked")


def read_instructions(path: Path, raw: RawCheckpoint) -> Pipeline:
    """As read_stable_diffusion, for a U-Net that may see the picture (Brooks et al., 2023)."""
    return read_stable_diffusion(path, raw, "picture")


def read_upscaler(path: Path, raw: RawCheckpoint) -> Pipeline:
    """As read_stable_diffusion, for a U-Net that sees the picture small and with some noise."""
    return read_stable_diffusion(path, raw, "small")


def read_variations(path: Path, raw: RawCheckpoint) -> Pipeline:
    """As read_stable_diffusion, for a U-Net that is told what a CLIP says of a picture."""
    return read_stable_diffusion(path, raw, "like")


def read_sdxl(path: Path, raw: RawCheckpoint, shown: Shown = "") -> Pipeline:
    """What a folder of SDXL or of its refiner is. Raises as read_stable_diffusion."""
    where = path.name
    index = read_json(path / INDEX)
    tokenizer = read_tokenizer(path / "tokenizer_2")
    plain, tensors = _common(path, raw)
    second, words = _clip(path, raw, "_2", tokenizer)
    width = part_of(raw, where, "text_encoder_2").init.get("projection_dim", 512)
    plain |= {
        "text": None, "second": {**second, "projection": width},
        "zeros": index.get("force_zeros_for_empty_prompt", True),
        "scored": bool(index.get("requires_aesthetics_score", False)),
    }  # fmt: skip
    if not plain["scored"] or (path / "text_encoder").is_dir():
        first = read_tokenizer(path / "tokenizer")
        if (first.vocab, first.merges) != (tokenizer.vocab, tokenizer.merges):
            refuse(where, "its two tokenizers part texts in two ways")
        more, others = _clip(path, raw, "", tokenizer)
        plain, words = plain | more, words | others
    return _checked(path, plain, tensors | words, tokenizer, shown)


def read_sdxl_inpainting(path: Path, raw: RawCheckpoint) -> Pipeline:
    """As read_sdxl, for a U-Net that may see a mask and what it leaves."""
    return read_sdxl(path, raw, "masked")


def read_latent_texts(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What a folder of latent diffusion's first model of texts is, whose parts are `vqvae` and
    `bert`. Raises as read_stable_diffusion."""
    tokenizer = read_wordpiece(path / "tokenizer")
    bert = part_of(raw, path.name, "bert")
    plain, tensors = _common(path, raw, "vqvae")
    plain |= {"text": vars(read_bert_sizes(bert.init, path.name))}
    inside, beside = BERT
    tensors |= {
        TEXT + name.removeprefix(inside): array
        for name, array in bert.tensors.items()
        if not name.startswith(beside)
    }
    config = LatentConfig.from_dict(plain, path.name)
    return Pipeline(LATENT, config, tensors, tokenizer)


def _checked(
    path: Path, plain: dict[str, Any], tensors: Tensors, tokenizer: Tokenizer, shown: Shown
) -> Pipeline:
    config = LatentConfig.from_dict(plain, path.name)
    if config.shown not in ("", shown):
        refuse(path.name, f"its U-Net takes {config.unet['in_channels']} channels")
    return Pipeline(LATENT, config, tensors, tokenizer)


def _common(
    path: Path, raw: RawCheckpoint, coder: str = "vae"
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What all have: plain values of a LatentConfig without its texts, and tensors."""
    where = path.name
    nets = {name: part_of(raw, where, name) for name in ("unet", coder)}
    unet, vae = (settings_of(nets[name]) for name in ("unet", coder))
    more = next((name for name in PLAIN_UNET if unet.get(name) not in (None, "default")), None)
    if more is not None:
        refuse(where, f"its U-Net has {more} = {str(unet[more])[:40]!r}")
    if vae.get("latents_mean") is not None:
        refuse(where, "its codes have a mean of their own")
    unet.setdefault("in_channels", 4)
    decodes: Decodes = "VQModel" if nets[coder].class_name == "VQModel" else "AutoencoderKL"
    usual = 3 if decodes == "VQModel" else 4
    makes, takes = unet.get("out_channels", 4), vae.get("latent_channels", usual)
    if makes != takes:
        refuse(where, f"its U-Net makes {makes} channels, its decoder takes {takes}")
    scheduler = scheduler_of(path, where)
    schedule, prediction = schedule_of(scheduler, where)
    plain = {
        "unet": unet, "vae": vae, "decodes": decodes, "schedule": schedule.to_dict(),
        "prediction": prediction, "lcm": scheduler.get("_class_name") == LCM,
    }  # fmt: skip
    tensors = {UNET + name: array for name, array in nets["unet"].tensors.items()}
    tensors |= {VAE + name: array for name, array in today(nets[coder].tensors).items()}
    return plain, tensors


def _clip(
    path: Path, raw: RawCheckpoint, which: str, tokenizer: Tokenizer
) -> tuple[dict[str, Any], Tensors]:
    """A text tower: plain values and tensors. which: "" or "_2"."""
    part = part_of(raw, path.name, f"text_encoder{which}")
    plain = {"text": settings_of(part), "pad": pad_of(path / f"tokenizer{which}", tokenizer)}
    return plain, tower_tensors(part.tensors, TEXT_2 if which else TEXT)


def _eyes(path: Path, raw: RawCheckpoint) -> tuple[dict[str, Any], Tensors]:
    """A picture tower with what is known of its answers: plain values and tensors."""
    tower, usual = (part_of(raw, path.name, f"image_{name}") for name in ("encoder", "normalizer"))
    noising = scheduler_of(path, path.name, "image_noising_scheduler")
    plain = {
        "vision": settings_of(tower), "projection": tower.init.get("projection_dim", 512),
        "noising": schedule_of(noising, path.name)[0].to_dict(),
    }  # fmt: skip
    plain |= colours_of(path)
    return plain, tower_tensors({**tower.tensors, **usual.tensors}, EYES)
