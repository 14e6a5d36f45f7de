"""Generators that came as an ONNX graph by somebody else: the graph is all that is known of them.

They have no tensors of names that mean something here; their cards are made when they are opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Float32

from engine.errors import CheckpointError, ModelError
from engine.models.family import Shapes, Tensors, check_card, no_statistics

NAME = "onnx"
TITLE = "ONNX generator"
TRANSFORM: str | None = None
statistics_at = no_statistics


@dataclass(frozen=True)
class OnnxConfig:
    """z_dim: length of a row of the input. num_ws: rows it takes for a picture, 1 for a z."""

    z_dim: int
    num_ws: int
    c_dim: int
    resolution: int
    img_channels: int

    @property
    def family(self) -> str:
        """The name of this family in cards."""
        return NAME

    @property
    def w_dim(self) -> int:
        """w is what the graph takes."""
        return self.z_dim

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def read_config(plain: Mapping[str, Any]) -> OnnxConfig:
    """See Family."""
    names = {item.name for item in fields(OnnxConfig)}
    check_card(plain, names, [plain.get("c_dim", 0) + 1])
    config = OnnxConfig(**{name: plain[name] for name in names})
    check_card(plain, set(), [config.z_dim, config.num_ws, config.resolution, config.img_channels])
    return config


def shapes_of(config: OnnxConfig) -> Shapes:
    """No tensor is known by name."""
    return {}


def recognises(tensors: Tensors) -> bool:
    """Tensors never look like a graph."""
    return False


def infer_config(
    tensors: Tensors,
    where: str,
    init: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> NoReturn:
    """Raises CheckpointError: tensors alone are no graph."""
    raise CheckpointError(f"{where} holds no ONNX graph.", "Give the .onnx file itself.")


def noisy_layers(config: OnnxConfig) -> tuple[tuple[str, int], ...]:
    """The layers that take noise: none that could be reached."""
    return ()


def average(tensors: Tensors) -> Float32[np.ndarray, " w_dim"]:
    """The zero vector, of the length that `average` stands for among the tensors."""
    return tensors["average"]


def new_generator(config: OnnxConfig) -> NoReturn:
    """Raises ModelError: there is no torch module for somebody else's graph."""
    raise ModelError("A generator that came as ONNX runs on ONNX alone.", "Choose backend onnx.")
