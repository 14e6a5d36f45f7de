"""Folders of Kandinsky 2.2 (Razzhigaev et al., 2023), as diffusers writes pipelines.

There are two of them: the decoder with `unet`, `movq` and `scheduler`, which is the one to import,
and beside it the prior with `prior`, `text_encoder`, `image_encoder`, `tokenizer` and `scheduler`.
Or there is one for both, in which the parts of the prior are called `prior_prior` and so on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.folder import read_folder, read_json
from engine.checkpoints.raw import RawCheckpoint
from engine.errors import AtelierError
from engine.models.diffusion.kandinsky_config import (
    EYES,
    KANDINSKY,
    MOVQ,
    PRIOR,
    TEXT,
    UNET,
    KandinskyConfig,
)
from engine.models.diffusion.part_settings import refuse
from engine.models.published.pipeline_parts import (
    INDEX,
    Pipeline,
    pad_of,
    part_of,
    schedule_of,
    scheduler_of,
    settings_of,
    today,
    tower_tensors,
)
from engine.models.published.unclip import stage_of
from engine.perception.clip.tokenizer import read_tokenizer

PRIOR_KIND = "KandinskyV22PriorPipeline"
WITHIN = "prior_"  # before the names of the prior's parts, where one folder holds both
MOST_BESIDE = 200  # folders that are looked into for the prior


def read_kandinsky(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What such a folder is, with the prior in it or beside it. Raises ModelError, CheckpointError
    or Refusal for a part that is missing or of another kind."""
    where, both = path.name, (path / f"{WITHIN}prior").is_dir()
    before, beside = (WITHIN, path) if both else ("", _prior(path))
    other = raw if both else read_folder(beside)
    unet, movq = (part_of(raw, where, name) for name in ("unet", "movq"))
    learned = unet.init.get("out_channels") == 2 * unet.init.get("in_channels", 4)
    drawing, predicts = schedule_of(scheduler_of(path, where), where, learned)
    told = stage_of(beside, f"{before}scheduler")
    thinking, thinks = schedule_of(told, beside.name)
    if (predicts, thinks) != ("epsilon", "x0"):
        refuse(where, f"it predicts {predicts}, its prior {thinks}")
    prior, words, eyes = (
        part_of(other, beside.name, before + name)
        for name in ("prior", "text_encoder", "image_encoder")
    )
    words_in = beside / f"{before}tokenizer"
    tokenizer = read_tokenizer(words_in)
    plain: dict[str, Any] = {
        "prior": settings_of(prior), "unet": settings_of(unet), "movq": settings_of(movq),
        "text": settings_of(words), "eyes": settings_of(eyes),
        "pad": pad_of(words_in, tokenizer), "thinking": thinking.to_dict(),
        "drawing": drawing.to_dict(), "bound": told.get("clip_sample_range", 1.0),
    }  # fmt: skip
    named = {PRIOR: prior.tensors, UNET: unet.tensors, MOVQ: today(movq.tensors),
             TEXT: words.tensors, EYES: eyes.tensors}  # fmt: skip
    tensors: dict[str, np.ndarray] = {}
    for prefix, part in named.items():
        tensors |= tower_tensors(part, prefix)
    return Pipeline(KANDINSKY, KandinskyConfig.from_dict(plain, where), tensors, tokenizer)


def _prior(path: Path) -> Path:
    """The folder of the prior, beside that of the decoder. Raises ModelError."""
    for folder in sorted(path.resolve().parent.iterdir())[:MOST_BESIDE]:
        file = folder / INDEX
        try:
            if file.is_file() and read_json(file).get("_class_name") == PRIOR_KIND:
                return folder
        except (AtelierError, OSError):
            continue
    refuse(path.name, "the folder of its prior is not beside it")
