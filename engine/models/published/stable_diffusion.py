"""Folders of Stable Diffusion 1.x and 2.x (Rombach et al., 2022), as diffusers writes pipelines.

The parts are subfolders: `unet`, `vae`, `text_encoder`, `tokenizer`, `scheduler`; the name of the
pipeline stands in `model_index.json`. What else lies there (a safety checker) is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.folder import read_json
from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.diffusion.schedule import Kind, Prediction, Schedule
from engine.models.latent_config import TEXT, UNET, VAE, LatentConfig, refuse
from engine.perception.clip.tokenizer import Tokenizer

INDEX = "model_index.json"
PIPELINES = frozenset({"StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline",
                       "LatentConsistencyModelPipeline"})  # fmt: skip
PREDICTIONS: Mapping[str, Prediction] = {
    "epsilon": "epsilon", "v_prediction": "v", "sample": "x0",
}  # fmt: skip
SCHEDULES: Mapping[str, Kind] = {
    "linear": "linear", "scaled_linear": "scaled_linear", "squaredcos_cap_v2": "cosine",
}  # fmt: skip
# What the U-Net of a pipeline of texts leaves at None; others are told more than a text.
PLAIN_UNET = (
    "addition_embed_type",
    "class_embed_type",
    "encoder_hid_dim_type",
    "time_cond_proj_dim",
)
# The names of a self-attention before diffusers 0.15; its weights were 1 x 1 convolutions once.
OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def read_pipeline(
    path: Path, raw: RawCheckpoint, tokenizer: Tokenizer
) -> tuple[LatentConfig, dict[str, np.ndarray]]:
    """What such a folder is, and its tensors by the names of a card's weights.

    Raises ModelError or Refusal for a part that is missing or of another kind.
    """
    where = path.name
    kind = str(read_json(path / INDEX).get("_class_name"))
    if kind not in PIPELINES:
        refuse(where, f"its pipeline is {kind[:60]!r}")
    parts = {network.name: network for network in raw.networks}
    for name in ("unet", "vae", "text_encoder"):
        if name not in parts:
            refuse(where, f"the part {name!r} is missing, or has no .safetensors file")
    unet, vae = (_settings(parts[name]) for name in ("unet", "vae"))
    more = next((name for name in PLAIN_UNET if unet.get(name) is not None), None)
    if more is not None:
        refuse(where, f"its U-Net has {more} = {str(unet[more])[:40]!r}")
    unet.setdefault("in_channels", 4)
    if not unet["in_channels"] == unet.get("out_channels", 4) == vae.get("latent_channels", 4):
        refuse(where, f"its U-Net takes {unet['in_channels']} channels: it edits pictures")
    schedule, prediction = _schedule(path, where)
    plain = {
        "unet": unet, "vae": vae, "text": _settings(parts["text_encoder"]),
        "schedule": schedule.to_dict(), "prediction": prediction, "pad": _pad(path, tokenizer),
    }  # fmt: skip
    config = LatentConfig.from_dict(plain, where)
    tensors = {UNET + name: array for name, array in parts["unet"].tensors.items()}
    tensors |= {VAE + _today(name): _flat(name, a) for name, a in parts["vae"].tensors.items()}
    for name, array in parts["text_encoder"].tensors.items():
        if not name.endswith("position_ids"):
            tensors[TEXT + name.removeprefix("text_model.")] = array
    return config, tensors


def _settings(part: RawNetwork) -> dict[str, Any]:
    """Without what names the program that wrote the file, and without nested values."""
    return {
        name: value
        for name, value in part.init.items()
        if not name.startswith("_") and not isinstance(value, dict)
    }


def _schedule(path: Path, where: str) -> tuple[Schedule, Prediction]:
    file = path / "scheduler" / "scheduler_config.json"
    if not file.is_file():
        refuse(where, "the part 'scheduler' is missing")
    plain = read_json(file)
    named, predicts = plain.get("beta_schedule", "linear"), plain.get("prediction_type", "epsilon")
    if named not in SCHEDULES or predicts not in PREDICTIONS:
        refuse(where, f"its schedule is {str(named)[:40]!r}, predicting {str(predicts)[:40]!r}")
    kind = SCHEDULES[named]
    steps = plain.get("num_train_timesteps", 1000)
    ends = (plain.get("beta_start", 1e-4), plain.get("beta_end", 0.02))
    if type(steps) is not int or not all(isinstance(end, float) for end in ends):
        refuse(where, f"its schedule has {str(steps)[:20]} steps and betas of {str(ends)[:40]}")
    return Schedule(kind, steps, first=ends[0], last=ends[1]), PREDICTIONS[predicts]


def _pad(path: Path, tokenizer: Tokenizer) -> int | None:
    """The token after a text's end; published tokenizers write it as a word or as an object."""
    file = path / "tokenizer" / "special_tokens_map.json"
    named = read_json(file).get("pad_token") if file.is_file() else None
    word = named.get("content") if isinstance(named, dict) else named
    return tokenizer.vocab.get(word) if isinstance(word, str) else None


def _today(name: str) -> str:
    head, _, last = name.rpartition(".")
    before, dot, part = head.rpartition(".")
    if ".attentions." in name and part in OLD_ATTENTION:
        return f"{before}{dot}{OLD_ATTENTION[part]}.{last}"
    return name


def _flat(name: str, array: np.ndarray) -> np.ndarray:
    """A 1 x 1 convolution of an old self-attention as the matrix that it is."""
    old = ".attentions." in name and array.ndim == 4 and array.shape[2:] == (1, 1)
    return array[:, :, 0, 0] if old else array
