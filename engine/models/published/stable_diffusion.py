"""Folders of Stable Diffusion 1.x and 2.x (Rombach et al., 2022), as diffusers writes pipelines.

The parts are `unet`, `vae`, `text_encoder`, `tokenizer` and `scheduler`.
"""

from __future__ import annotations

from pathlib import Path

from engine.checkpoints.folder import read_json
from engine.checkpoints.raw import RawCheckpoint
from engine.models.latent_config import LATENT, TEXT, UNET, VAE, LatentConfig, refuse
from engine.models.published.pipeline_parts import (
    Pipeline,
    part_of,
    schedule_of,
    scheduler_of,
    settings_of,
    today,
)
from engine.perception.clip.tokenizer import Tokenizer, read_tokenizer

# What the U-Net of a pipeline of texts leaves at None; others are told more than a text.
PLAIN_UNET = (
    "addition_embed_type",
    "class_embed_type",
    "encoder_hid_dim_type",
    "time_cond_proj_dim",
)


def read_stable_diffusion(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What such a folder is. Raises ModelError, CheckpointError or Refusal for a part that is
    missing or of another kind."""
    where = path.name
    nets = {name: part_of(raw, where, name) for name in ("unet", "vae", "text_encoder")}
    unet, vae = (settings_of(nets[name]) for name in ("unet", "vae"))
    more = next((name for name in PLAIN_UNET if unet.get(name) is not None), None)
    if more is not None:
        refuse(where, f"its U-Net has {more} = {str(unet[more])[:40]!r}")
    unet.setdefault("in_channels", 4)
    if not unet["in_channels"] == unet.get("out_channels", 4) == vae.get("latent_channels", 4):
        refuse(where, f"its U-Net takes {unet['in_channels']} channels: it edits pictures")
    schedule, prediction = schedule_of(scheduler_of(path, where), where)
    tokenizer = read_tokenizer(path / "tokenizer")
    plain = {
        "unet": unet, "vae": vae, "text": settings_of(nets["text_encoder"]),
        "schedule": schedule.to_dict(), "prediction": prediction, "pad": _pad(path, tokenizer),
    }  # fmt: skip
    config = LatentConfig.from_dict(plain, where)
    tensors = {UNET + name: array for name, array in nets["unet"].tensors.items()}
    tensors |= {VAE + name: array for name, array in today(nets["vae"].tensors).items()}
    for name, array in nets["text_encoder"].tensors.items():
        if not name.endswith("position_ids"):
            tensors[TEXT + name.removeprefix("text_model.")] = array
    return Pipeline(LATENT, config, tensors, tokenizer)


def _pad(path: Path, tokenizer: Tokenizer) -> int | None:
    """The token after a text's end; published tokenizers write it as a word or as an object."""
    file = path / "tokenizer" / "special_tokens_map.json"
    named = read_json(file).get("pad_token") if file.is_file() else None
    word = named.get("content") if isinstance(named, dict) else named
    return tokenizer.vocab.get(word) if isinstance(word, str) else None
