"""Folders of unCLIP (Ramesh et al., 2022; Karlo), as diffusers writes pipelines.

The parts are `text_encoder`, `tokenizer`, `prior`, `text_proj`, `decoder`, `super_res_first` and
`super_res_last`, and a scheduler for each of the three stages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.checkpoints.folder import read_json
from engine.checkpoints.raw import RawCheckpoint
from engine.models.diffusion.part_settings import COLOURS, refuse
from engine.models.diffusion.unclip_config import (
    BRIDGE,
    DECODER,
    FIRST,
    LAST,
    PRIOR,
    TEXT,
    UNCLIP,
    UnclipConfig,
)
from engine.models.published.pipeline_parts import (
    Pipeline,
    pad_of,
    part_of,
    schedule_of,
    settings_of,
    tower_tensors,
)
from engine.perception.clip.tokenizer import read_tokenizer

PARTS = {PRIOR: "prior", BRIDGE: "text_proj", DECODER: "decoder", FIRST: "super_res_first",
         LAST: "super_res_last"}  # fmt: skip
STAGES = {"thinking": ("prior", "x0"), "drawing": ("decoder", "epsilon"),
          "enlarging": ("super_res", "epsilon")}  # fmt: skip
USUAL = {"beta_schedule": "squaredcos_cap_v2"}
COSINE = "UnCLIPScheduler"


def read_unclip(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What such a folder is. Raises ModelError, CheckpointError or Refusal for a part that is
    missing or of another kind."""
    where, tokenizer = path.name, read_tokenizer(path / "tokenizer")
    nets = {prefix: part_of(raw, where, name) for prefix, name in PARTS.items()}
    plain: dict[str, Any] = {prefix.rstrip("."): settings_of(part) for prefix, part in nets.items()}
    words = part_of(raw, where, "text_encoder")
    plain |= {"text": settings_of(words), "pad": pad_of(path / "tokenizer", tokenizer)}
    learned = nets[DECODER].init.get("out_channels") == 2 * COLOURS
    for stage, (name, predicts) in STAGES.items():
        told = stage_of(path, f"{name}_scheduler")
        schedule, found = schedule_of(told, where, learned and stage == "drawing")
        if found != predicts:
            refuse(where, f"its {name} predicts {found}")
        plain[stage] = schedule.to_dict()
        if stage == "thinking":
            plain["bound"] = told.get("clip_sample_range", 1.0)
    tensors = {p + name: a for p, part in nets.items() for name, a in part.tensors.items()}
    tensors |= tower_tensors(words.tensors, TEXT)
    return Pipeline(UNCLIP, UnclipConfig.from_dict(plain, where), tensors, tokenizer)


def stage_of(path: Path, part: str) -> dict[str, Any]:
    """What a folder says of the scheduler of a stage of unCLIP. Raises ModelError."""
    file = path / part / "scheduler_config.json"
    if not file.is_file():
        refuse(path.name, f"the part '{part}' is missing")
    plain = read_json(file)
    if plain.get("_class_name", COSINE) != COSINE:
        refuse(path.name, f"its scheduler is {str(plain['_class_name'])[:60]!r}")
    return USUAL | plain
