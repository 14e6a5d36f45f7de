"""Folders of DeepFloyd IF (Imagen; Saharia et al., 2022), as diffusers writes pipelines.

The parts are `unet`, `text_encoder`, `tokenizer` and `scheduler`; a second stage has an
`image_noising_scheduler` besides.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.raw import RawCheckpoint
from engine.models.diffusion.imagen_config import IMAGEN, TEXT, UNET, ImagenConfig
from engine.models.diffusion.part_settings import COLOURS, refuse
from engine.models.published.pipeline_parts import (
    Pipeline,
    part_of,
    schedule_of,
    scheduler_of,
    settings_of,
)
from engine.perception.t5_sizes import read_t5_sizes
from engine.perception.unigram import read_unigram

# transformers stores the embedding once, or once more as the encoder's.
ENCODER, TWICE = "encoder.", "encoder.embed_tokens.weight"


def read_imagen(path: Path, raw: RawCheckpoint, *, second: bool = False) -> Pipeline:
    """What such a folder is. second: it enlarges. Raises ModelError, CheckpointError or Refusal for
    a part that is missing or of another kind."""
    where, tokenizer = path.name, read_unigram(path / "tokenizer")
    unet, words = part_of(raw, where, "unet"), part_of(raw, where, "text_encoder")
    learned = unet.init.get("out_channels") == 2 * COLOURS
    schedule, predicts = schedule_of(scheduler_of(path, where), where, learned)
    if predicts != "epsilon":
        refuse(where, f"it predicts {predicts}")
    plain: dict[str, Any] = {
        "unet": settings_of(unet), "text": asdict(read_t5_sizes(words.init, where)),
        "schedule": schedule.to_dict(),
    }  # fmt: skip
    if second:
        low = scheduler_of(path, where, "image_noising_scheduler")
        plain["low"] = schedule_of(low, where)[0].to_dict()
    tensors = {UNET + name: array for name, array in unet.tensors.items()}
    tensors |= _encoder(words.tensors)
    return Pipeline(IMAGEN, ImagenConfig.from_dict(plain, where), tensors, tokenizer)


def read_imagen_second(path: Path, raw: RawCheckpoint) -> Pipeline:
    """As read_imagen, for the stage that enlarges."""
    return read_imagen(path, raw, second=True)


def _encoder(tensors: Any) -> dict[str, np.ndarray]:
    once = "shared.weight"
    found = {
        TEXT + name.removeprefix(ENCODER): array for name, array in tensors.items() if name != TWICE
    }
    if once not in tensors and TWICE in tensors:
        found[TEXT + once] = tensors[TWICE]
    return found
