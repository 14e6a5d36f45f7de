"""The DCGAN family: names and shapes of a generator's tensors, without torch.

The layers are numbered as in the widely used PyTorch sequence `main`: a convolution, transposed or
plain, batch norm and ReLU at 3i, 3i + 1 and 3i + 2, and at the end a transposed convolution and
tanh. A kernel of 3x3 tells a plain one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.errors import ModelError
from engine.gan.dcgan_config import TITLE as TITLE
from engine.gan.dcgan_config import DCGANConfig
from engine.models.family import (
    Shapes,
    Tensors,
    check_tensors,
    dimension,
    no_generator,
    no_statistics,
)

NAME = "dcgan"
TRANSFORM: str | None = None
statistics_at = no_statistics


def read_config(plain: Mapping[str, Any]) -> DCGANConfig:
    """The config of a card. Raises ModelError for what is wrong."""
    return DCGANConfig.from_dict(plain)


def shapes_of(config: DCGANConfig) -> Shapes:
    """Name to shape of every tensor of a generator of these sizes, without batch counters."""
    shapes: Shapes = {}
    index = -1
    for index, (fan_in, width, enlarges) in enumerate(config.hidden()):
        conv, norm = f"synthesis.main.{3 * index}", f"synthesis.main.{3 * index + 1}"
        size = 4 if enlarges else 3
        shapes[f"{conv}.weight"] = (fan_in, width, size, size)  # plain ones are square
        if config.bias:
            shapes[f"{conv}.bias"] = (width,)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{norm}.{part}"] = (width,)
    last = f"synthesis.main.{3 * (index + 1)}"
    shapes[f"{last}.weight"] = (config.channels[-1], config.img_channels, 4, 4)
    if config.rgb_bias:
        shapes[f"{last}.bias"] = (config.img_channels,)
    return shapes


def recognises(tensors: Tensors) -> bool:
    """Whether the names look like a DCGAN's, right or not."""
    return any(name.startswith("synthesis.main.0.") for name in tensors)


def infer_config(
    tensors: Tensors,
    where: str = "The file",
    init: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> DCGANConfig:
    """The sizes that the shapes tell.

    origins: for messages, the name in the file of each tensor that was renamed. Raises
    CheckpointError that names the tensor that does not fit.
    """
    try:
        z_dim = dimension(tensors, "synthesis.main.0.weight", 4, 0)
        channels: list[int] = []
        extra: list[int] = []
        index = 0
        while f"synthesis.main.{3 * index + 1}.weight" in tensors:
            name = f"synthesis.main.{3 * index}.weight"
            if channels and dimension(tensors, name, 4, 2) == 3:
                extra[-1] += 1
            else:
                channels.append(dimension(tensors, name, 4, 1))
                extra.append(0)
            index += 1
        last = f"synthesis.main.{3 * index}"
        config = DCGANConfig(
            z_dim=z_dim,
            channels=tuple(channels),
            img_channels=dimension(tensors, f"{last}.weight", 4, 1),
            bias="synthesis.main.0.bias" in tensors and bool(channels),
            rgb_bias=f"{last}.bias" in tensors,
            extra=tuple(extra) if any(extra) else (),
        )
    except (KeyError, ModelError) as error:
        no_generator(where, TITLE, error, origins)
    check_tensors(shapes_of(config), tensors, where, TITLE, origins)
    return config


def noisy_layers(config: DCGANConfig) -> tuple[tuple[str, int], ...]:
    """The layers that take noise: none."""
    return ()


def average(tensors: Tensors) -> Float32[np.ndarray, " z_dim"]:
    """The zero vector, toward which truncation pulls z."""
    return np.zeros(tensors["synthesis.main.0.weight"].shape[0], np.float32)


def new_generator(config: DCGANConfig) -> Any:
    """The torch module."""
    from engine.gan.dcgan import Generator

    return Generator(config)
