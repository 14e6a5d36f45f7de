"""Folders of models that are told nothing: pixels (Ho et al., 2020; Song et al., 2021), and codes
of a vector-quantised autoencoder (Rombach et al., 2022).

The parts are `unet` and `scheduler`, which may lie beside the index, and `vqvae` for codes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.raw import RawCheckpoint
from engine.models.diffusion.latent_config import VAE
from engine.models.diffusion.part_settings import refuse
from engine.models.diffusion.textless_config import NET, TEXTLESS, TextlessConfig
from engine.models.published.pipeline_parts import (
    Pipeline,
    part_of,
    schedule_of,
    scheduler_of,
    settings_of,
    today,
)

KIND, QUANTISED = "UNet2DModel", "VQModel"


def read_pixels(path: Path, raw: RawCheckpoint) -> Pipeline:
    """A model of pixels. Raises ModelError or Refusal for what is missing or of another kind."""
    plain, tensors = _unet(path, raw, ("unet", ""))
    return Pipeline(TEXTLESS, TextlessConfig.from_dict(plain, path.name), tensors)


def read_latent(path: Path, raw: RawCheckpoint) -> Pipeline:
    """A model of codes. Raises ModelError or Refusal for what is missing or of another kind."""
    plain, tensors = _unet(path, raw, ("unet",))
    decoder = part_of(raw, path.name, "vqvae", "vae")
    plain |= {"decoder": settings_of(decoder), "decodes": QUANTISED}
    tensors |= {VAE + name: array for name, array in today(decoder.tensors).items()}
    return Pipeline(TEXTLESS, TextlessConfig.from_dict(plain, path.name), tensors)


def _unet(
    path: Path, raw: RawCheckpoint, names: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    where = path.name
    part = part_of(raw, where, *names)
    if part.class_name not in (KIND, ""):
        refuse(where, f"its U-Net is {part.class_name[:60]!r}")
    net = settings_of(part)
    told = next(
        (name for name in ("num_class_embeds", "class_embed_type") if net.get(name) is not None),
        None,
    )
    if told is not None:
        refuse(where, f"its U-Net has {told} = {str(net[told])[:40]!r}")
    schedule, prediction = schedule_of(scheduler_of(path, where), where)
    plain = {"kind": KIND, "net": net, "schedule": schedule.to_dict(), "prediction": prediction}
    return plain, {NET + name: array for name, array in today(part.tensors).items()}
