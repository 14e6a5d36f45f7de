"""Folders of Stable Diffusion 1.x and 2.x (Rombach et al., 2022), of SDXL (Podell et al., 2023)
and of what was distilled from them, as diffusers writes pipelines.

The parts are `unet`, `vae`, `text_encoder`, `tokenizer` and `scheduler`; SDXL has `text_encoder_2`
and `tokenizer_2` besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.folder import read_json
from engine.checkpoints.raw import RawCheckpoint
from engine.models.latent_config import LATENT, TEXT, TEXT_2, UNET, VAE, LatentConfig, refuse
from engine.models.published.pipeline_parts import (
    INDEX,
    LCM,
    Pipeline,
    part_of,
    schedule_of,
    scheduler_of,
    settings_of,
    today,
)
from engine.perception.clip.tokenizer import Tokenizer, read_tokenizer

# What the U-Net of a pipeline of texts leaves at None; others are told more than texts.
PLAIN_UNET = ("class_embed_type", "encoder_hid_dim_type", "attention_type")


def read_stable_diffusion(path: Path, raw: RawCheckpoint, shown: str = "") -> Pipeline:
    """What a folder of 1.x or 2.x is. shown: what its U-Net may see, see LatentConfig.

    Raises ModelError, CheckpointError or Refusal for a part that is missing or of another kind.
    """
    tokenizer = read_tokenizer(path / "tokenizer")
    plain, tensors = _common(path, raw, tokenizer)
    config = LatentConfig.from_dict(plain, path.name)
    if config.shown not in ("", shown):
        refuse(path.name, f"its U-Net takes {config.unet['in_channels']} channels")
    return Pipeline(LATENT, config, tensors, tokenizer)


def read_inpainting(path: Path, raw: RawCheckpoint) -> Pipeline:
    """As read_stable_diffusion, for a U-Net that may see a mask and what it leaves."""
    return read_stable_diffusion(path, raw, "masked")


def read_instructions(path: Path, raw: RawCheckpoint) -> Pipeline:
    """As read_stable_diffusion, for a U-Net that may see the picture (Brooks et al., 2023)."""
    return read_stable_diffusion(path, raw, "picture")


def read_sdxl(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What a folder of SDXL is. Raises as read_stable_diffusion."""
    where = path.name
    index = read_json(path / INDEX)
    if index.get("requires_aesthetics_score"):
        refuse(where, "it refines what another model made")
    first, tokenizer = (read_tokenizer(path / name) for name in ("tokenizer", "tokenizer_2"))
    if (first.vocab, first.merges) != (tokenizer.vocab, tokenizer.merges):
        refuse(where, "its two tokenizers part texts in two ways")
    plain, tensors = _common(path, raw, tokenizer)
    second = part_of(raw, where, "text_encoder_2")
    plain |= {
        "second": {
            "text": settings_of(second), "projection": second.init.get("projection_dim", 512),
            "pad": _pad(path / "tokenizer_2", tokenizer),
        },
        "zeros": index.get("force_zeros_for_empty_prompt", True),
    }  # fmt: skip
    tensors |= _text(second.tensors, TEXT_2)
    config = LatentConfig.from_dict(plain, where)
    if config.shown:
        refuse(where, f"its U-Net takes {config.unet['in_channels']} channels")
    return Pipeline(LATENT, config, tensors, tokenizer)


def _common(
    path: Path, raw: RawCheckpoint, tokenizer: Tokenizer
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What both have: plain values of a LatentConfig, and tensors."""
    where = path.name
    nets = {name: part_of(raw, where, name) for name in ("unet", "vae", "text_encoder")}
    unet, vae = (settings_of(nets[name]) for name in ("unet", "vae"))
    more = next((name for name in PLAIN_UNET if unet.get(name) not in (None, "default")), None)
    if more is not None:
        refuse(where, f"its U-Net has {more} = {str(unet[more])[:40]!r}")
    if vae.get("latents_mean") is not None:
        refuse(where, "its codes have a mean of their own")
    unet.setdefault("in_channels", 4)
    makes, takes = unet.get("out_channels", 4), vae.get("latent_channels", 4)
    if makes != takes:
        refuse(where, f"its U-Net makes {makes} channels, its decoder takes {takes}")
    scheduler = scheduler_of(path, where)
    schedule, prediction = schedule_of(scheduler, where)
    plain = {
        "unet": unet, "vae": vae, "text": settings_of(nets["text_encoder"]),
        "schedule": schedule.to_dict(), "prediction": prediction,
        "pad": _pad(path / "tokenizer", tokenizer), "lcm": scheduler.get("_class_name") == LCM,
    }  # fmt: skip
    tensors = {UNET + name: array for name, array in nets["unet"].tensors.items()}
    tensors |= {VAE + name: array for name, array in today(nets["vae"].tensors).items()}
    return plain, tensors | _text(nets["text_encoder"].tensors, TEXT)


def _text(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {
        prefix + name.removeprefix("text_model."): array
        for name, array in tensors.items()
        if not name.endswith("position_ids")
    }


def _pad(folder: Path, tokenizer: Tokenizer) -> int | None:
    """The token after a text's end; published tokenizers write it as a word or as an object."""
    file = folder / "special_tokens_map.json"
    named = read_json(file).get("pad_token") if file.is_file() else None
    word = named.get("content") if isinstance(named, dict) else named
    return tokenizer.vocab.get(word) if isinstance(word, str) else None
