"""The ProGAN family: names and shapes of a generator's tensors, without torch.

The names are this program's own: `synthesis.r4.dense`, `synthesis.r4.conv`, then
`synthesis.r8.conv0`, `synthesis.r8.conv1` and so on, and a `torgb` in each block. Every `conv0` is
stored as a plain convolution that follows repeated pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.errors import ModelError
from engine.gan.progan_config import TITLE as TITLE
from engine.gan.progan_config import ProGANConfig
from engine.models.family import (
    Shapes,
    Tensors,
    check_tensors,
    dimension,
    no_generator,
    no_statistics,
)
from engine.models.layouts.common import affine, grown_resolutions

NAME = "progan"
TRANSFORM: str | None = None
statistics_at = no_statistics


def read_config(plain: Mapping[str, Any]) -> ProGANConfig:
    """The config of a card. Raises ModelError for what is wrong."""
    return ProGANConfig.from_dict(plain)


def shapes_of(config: ProGANConfig) -> Shapes:
    """Name to shape of every tensor of a generator of these sizes."""
    first = config.channels[4]
    shapes: Shapes = {
        "synthesis.r4.dense.weight": (first * 16, config.z_dim),
        "synthesis.r4.dense.bias": (first,),
    }
    shapes |= affine("synthesis.r4.conv", first, first, 3, 3)
    for size in config.resolutions:
        width = config.channels[size]
        if size > 4:
            shapes |= affine(f"synthesis.r{size}.conv0", width, config.channels[size // 2], 3, 3)
            shapes |= affine(f"synthesis.r{size}.conv1", width, width, 3, 3)
        shapes |= affine(f"synthesis.r{size}.torgb", config.img_channels, width, 1, 1)
    return shapes


def recognises(tensors: Tensors) -> bool:
    """Whether the names look like this family's, right or not."""
    return any(name.startswith("synthesis.r4.dense.") for name in tensors)


def infer_config(
    tensors: Tensors,
    where: str = "The file",
    init: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> ProGANConfig:
    """The sizes that the shapes tell.

    origins: for messages, the name in the file of each tensor that was renamed. Raises
    CheckpointError that names the tensor that does not fit.
    """
    try:
        sizes = grown_resolutions(tensors, "synthesis.r")
        config = ProGANConfig(
            z_dim=dimension(tensors, "synthesis.r4.dense.weight", 2, 1),
            resolution=sizes[-1],
            channels={
                size: dimension(tensors, f"synthesis.r{size}.torgb.weight", 4, 1) for size in sizes
            },
            img_channels=dimension(tensors, "synthesis.r4.torgb.weight", 4, 0),
        )
    except (KeyError, ModelError) as error:
        no_generator(where, TITLE, error, origins)
    check_tensors(shapes_of(config), tensors, where, TITLE, origins)
    return config


def noisy_layers(config: ProGANConfig) -> tuple[tuple[str, int], ...]:
    """The layers that take noise: none."""
    return ()


def average(tensors: Tensors) -> Float32[np.ndarray, " z_dim"]:
    """The zero vector, toward which truncation pulls z."""
    return np.zeros(tensors["synthesis.r4.dense.weight"].shape[1], np.float32)


def new_generator(config: ProGANConfig) -> Any:
    """The torch module."""
    from engine.gan.progan import Generator

    return Generator(config)
