"""The StyleGAN (2019) family: names and shapes of a generator's tensors, without torch.

The names are this program's own, near to those of the later PyTorch layouts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.errors import ModelError
from engine.gan.stylegan1_config import TITLE as TITLE
from engine.gan.stylegan1_config import StyleGAN1Config
from engine.models.family import (
    Shapes,
    Tensors,
    check_tensors,
    dimension,
    has_part,
    no_generator,
    no_statistics,
)
from engine.models.layouts.common import affine, grown_resolutions

NAME = "stylegan1"
TRANSFORM: str | None = None
statistics_at = no_statistics


def read_config(plain: Mapping[str, Any]) -> StyleGAN1Config:
    """The config of a card. Raises ModelError for what is wrong."""
    return StyleGAN1Config.from_dict(plain)


def shapes_of(config: StyleGAN1Config) -> Shapes:
    """Name to shape of every tensor of a generator of these sizes."""
    shapes = _mapping_shapes(config)
    shapes["synthesis.r4.const"] = (config.channels[4], 4, 4)
    for size in config.resolutions:
        block, width = f"synthesis.r{size}", config.channels[size]
        if size > 4:
            below = config.channels[size // 2]
            shapes[f"{block}.layer0.conv.weight"] = (width, below, 3, 3)
        shapes[f"{block}.layer1.conv.weight"] = (width, width, 3, 3)
        for layer in (f"{block}.layer0", f"{block}.layer1"):
            shapes |= {
                f"{layer}.bias": (width,),
                f"{layer}.noise_weight": (width,),
                f"{layer}.noise_strength": (),
                f"{layer}.noise_const": (size, size),
            }
            shapes |= affine(f"{layer}.affine", 2 * width, config.w_dim)
        if config.paints(size):
            shapes |= affine(f"{block}.torgb", config.img_channels, width, 1, 1)
    return shapes


def _mapping_shapes(config: StyleGAN1Config) -> Shapes:
    shapes: Shapes = {"mapping.w_avg": (config.w_dim,)}
    fan_in = config.z_dim
    if config.c_dim:
        shapes["mapping.embed.weight"] = (config.z_dim, config.c_dim)
        fan_in *= 2
    for index in range(config.mapping_layers):
        last = index == config.mapping_layers - 1
        width = config.w_dim if last else config.hidden_width
        shapes |= affine(f"mapping.fc{index}", width, fan_in)
        fan_in = width
    return shapes


def recognises(tensors: Tensors) -> bool:
    """Whether the names look like this family's, right or not."""
    return any(name.startswith("synthesis.r4.layer0.") for name in tensors)


def infer_config(
    tensors: Tensors,
    where: str = "The file",
    init: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> StyleGAN1Config:
    """The sizes that the shapes tell; init may give `mapping_lr`, which shapes do not tell.

    origins: for messages, the name in the file of each tensor that was renamed. Raises
    CheckpointError that names the tensor that does not fit.
    """
    try:
        sizes = grown_resolutions(tensors, "synthesis.r")
        top = f"synthesis.r{sizes[-1]}.torgb.weight"
        config = StyleGAN1Config(
            **_mapping_sizes(tensors),
            resolution=sizes[-1],
            channels={
                size: dimension(tensors, f"synthesis.r{size}.layer0.bias", 1, 0) for size in sizes
            },
            img_channels=dimension(tensors, top, 4, 0),
            growing=has_part(tensors, "synthesis.r4.torgb."),
            mapping_lr=(init or {}).get("mapping_lr", 0.01),
        )
    except (KeyError, ModelError) as error:
        no_generator(where, TITLE, error, origins)
    check_tensors(shapes_of(config), tensors, where, TITLE, origins)
    return config


def _mapping_sizes(tensors: Tensors) -> dict[str, Any]:
    layers = 0
    while has_part(tensors, f"mapping.fc{layers}."):
        layers += 1
    embed = has_part(tensors, "mapping.embed.")
    fan_in = dimension(tensors, "mapping.fc0.weight", 2, 1)
    w_dim = dimension(tensors, f"mapping.fc{layers - 1}.weight", 2, 0)
    hidden = dimension(tensors, "mapping.fc0.weight", 2, 0)
    return {
        "z_dim": dimension(tensors, "mapping.embed.weight", 2, 0) if embed else fan_in,
        "w_dim": w_dim,
        "c_dim": dimension(tensors, "mapping.embed.weight", 2, 1) if embed else 0,
        "mapping_layers": layers,
        "hidden_dim": None if hidden == w_dim else hidden,
    }


def noisy_layers(config: StyleGAN1Config) -> tuple[tuple[str, int], ...]:
    """Name and resolution of each layer that takes noise, in the order they run."""
    return tuple(
        (f"synthesis.r{size}.{layer}", size)
        for size in config.resolutions
        for layer in ("layer0", "layer1")
    )


def average(tensors: Tensors) -> Float32[np.ndarray, " w_dim"]:
    """The w that truncation pulls toward."""
    return tensors["mapping.w_avg"].astype(np.float32)


def new_generator(config: StyleGAN1Config) -> Any:
    """The torch module."""
    from engine.gan.stylegan1 import Generator

    return Generator(config)
