"""Folders of a ControlNet (Zhang et al., 2023), as diffusers writes one: config and weights."""

from __future__ import annotations

from pathlib import Path

from engine.checkpoints.raw import RawCheckpoint
from engine.models.diffusion.control_config import CONTROL, ControlConfig
from engine.models.diffusion.part_settings import refuse
from engine.models.published.pipeline_parts import Pipeline, settings_of

KIND = "ControlNetModel"


def read_control(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What such a folder is. Raises ModelError for one without weights and for another kind."""
    net = next((part for part in raw.networks if part.name == ""), None)
    if net is None:
        refuse(path.name, "it has no .safetensors file beside its config.json")
    config = ControlConfig.from_dict({"net": settings_of(net)}, path.name)
    return Pipeline(CONTROL, config, net.tensors)
