"""Folders of diffusion transformers that are told classes (Peebles and Xie, 2023).

The parts are `transformer`, `vae` and `scheduler`; the names of the classes stand in the index.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.checkpoints.folder import read_json
from engine.checkpoints.raw import RawCheckpoint
from engine.models.diffusion.latent_config import VAE
from engine.models.diffusion.part_settings import refuse
from engine.models.diffusion.textless_config import NET, TEXTLESS, TextlessConfig
from engine.models.published.pipeline_parts import (
    INDEX,
    Pipeline,
    part_of,
    schedule_of,
    scheduler_of,
    settings_of,
    today,
)

KIND, CODER = "DiTTransformer2DModel", "AutoencoderKL"
KNOWN = ("", KIND, "Transformer2DModel")  # the last one is its name of old
MOST_CLASSES = 65535


def read_dit(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What such a folder is. Raises ModelError or Refusal for what lacks or is of another kind."""
    where = path.name
    net, vae = part_of(raw, where, "transformer"), part_of(raw, where, "vae")
    if net.class_name not in KNOWN:
        refuse(where, f"its transformer is {net.class_name[:60]!r}")
    settings = settings_of(net)
    count = settings.get("num_embeds_ada_norm", 1000)
    if type(count) is not int or not 0 < count <= MOST_CLASSES:
        refuse(where, f"its transformer knows {str(count)[:40]!r} classes")
    schedule, prediction = schedule_of(scheduler_of(path, where), where)
    plain: dict[str, Any] = {
        "kind": KIND, "net": settings, "schedule": schedule.to_dict(), "prediction": prediction,
        "decoder": settings_of(vae), "decodes": CODER, "classes": _names(path, count),
    }  # fmt: skip
    tensors = {NET + name: array for name, array in net.tensors.items()}
    tensors |= {VAE + name: array for name, array in today(vae.tensors).items()}
    return Pipeline(TEXTLESS, TextlessConfig.from_dict(plain, where), tensors)


def _names(path: Path, count: int) -> list[str]:
    """The first word of each class, or its number where the index says nothing."""
    said = read_json(path / INDEX).get("id2label")
    told = said if isinstance(said, dict) else {}
    words = (str(told.get(str(index), "")).split(",")[0].strip() for index in range(count))
    return [word[:80] or str(index) for index, word in enumerate(words)]
