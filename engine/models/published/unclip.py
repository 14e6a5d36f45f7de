"""Folders of unCLIP (Ramesh et al., 2022; Karlo), as diffusers writes pipelines.

The parts are `text_encoder`, `tokenizer`, `text_proj`, `decoder`, `super_res_first` and
`super_res_last`, and a scheduler for each stage; with them comes a `prior`, for pictures of texts,
or an `image_encoder`, for pictures like another.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.folder import read_json
from engine.checkpoints.raw import RawCheckpoint
from engine.models.diffusion.part_settings import COLOURS, refuse
from engine.models.diffusion.unclip_config import (
    BRIDGE,
    DECODER,
    EYES,
    FIRST,
    LAST,
    PRIOR,
    TEXT,
    UNCLIP,
    UNCLIP_LIKE,
    UnclipConfig,
    UnclipLikeConfig,
)
from engine.models.published.pipeline_parts import (
    Pipeline,
    colours_of,
    pad_of,
    part_of,
    schedule_of,
    settings_of,
    tower_tensors,
)
from engine.perception.clip.tokenizer import Tokenizer, read_tokenizer

PARTS = {BRIDGE: "text_proj", DECODER: "decoder", FIRST: "super_res_first",
         LAST: "super_res_last"}  # fmt: skip
DRAWING = {"drawing": ("decoder", "epsilon"), "enlarging": ("super_res", "epsilon")}
THINKING = {"thinking": ("prior", "x0")}
USUAL = {"beta_schedule": "squaredcos_cap_v2"}
COSINE = "UnCLIPScheduler"


def read_unclip(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What a folder with a prior is. Raises ModelError, CheckpointError or Refusal for a part that
    is missing or of another kind."""
    where, nets = path.name, {PRIOR: "prior", **PARTS}
    plain, tensors, tokenizer = _read(path, raw, nets, THINKING | DRAWING)
    plain["bound"] = stage_of(path, "prior_scheduler").get("clip_sample_range", 1.0)
    return Pipeline(UNCLIP, UnclipConfig.from_dict(plain, where), tensors, tokenizer)


def read_unclip_like(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What a folder with eyes is, which draws pictures like another. Raises as read_unclip."""
    where, eyes = path.name, part_of(raw, path.name, "image_encoder")
    plain, tensors, tokenizer = _read(path, raw, PARTS, DRAWING)
    plain |= {"eyes": settings_of(eyes), **colours_of(path)}
    tensors |= tower_tensors(eyes.tensors, EYES)
    return Pipeline(UNCLIP_LIKE, UnclipLikeConfig.from_dict(plain, where), tensors, tokenizer)


def _read(
    path: Path, raw: RawCheckpoint, parts: Mapping[str, str], stages: Mapping[str, tuple[str, str]]
) -> tuple[dict[str, Any], dict[str, np.ndarray], Tokenizer]:
    """Plain values and tensors of parts, by prefix, and of the text encoder; its tokenizer."""
    where, tokenizer = path.name, read_tokenizer(path / "tokenizer")
    nets = {prefix: part_of(raw, where, name) for prefix, name in parts.items()}
    plain: dict[str, Any] = {prefix.rstrip("."): settings_of(part) for prefix, part in nets.items()}
    words = part_of(raw, where, "text_encoder")
    plain |= {"text": settings_of(words), "pad": pad_of(path / "tokenizer", tokenizer)}
    learned = nets[DECODER].init.get("out_channels") == 2 * COLOURS
    for stage, (name, predicts) in stages.items():
        told = stage_of(path, f"{name}_scheduler")
        schedule, found = schedule_of(told, where, learned and stage == "drawing")
        if found != predicts:
            refuse(where, f"its {name} predicts {found}")
        plain[stage] = schedule.to_dict()
    tensors = {p + name: a for p, part in nets.items() for name, a in part.tensors.items()}
    return plain, tensors | tower_tensors(words.tensors, TEXT), tokenizer


def stage_of(path: Path, part: str) -> dict[str, Any]:
    """What a folder says of the scheduler of a stage of unCLIP. Raises ModelError."""
    file = path / part / "scheduler_config.json"
    if not file.is_file():
        refuse(path.name, f"the part '{part}' is missing")
    plain = read_json(file)
    if plain.get("_class_name", COSINE) != COSINE:
        refuse(path.name, f"its scheduler is {str(plain['_class_name'])[:60]!r}")
    return USUAL | plain
