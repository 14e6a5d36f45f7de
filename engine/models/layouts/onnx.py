"""Generators that came as an ONNX graph by somebody else: the graph is all that is known of them.

They have no tensors of names that mean something here. Their cards say how the graph is fed and
read, as was found out when it was opened first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Float32

from engine.backends.graph_backend import Ports
from engine.errors import CheckpointError, ModelError
from engine.models.family import Shapes, Tensors, check_card, no_statistics

NAME = "onnx"
TITLE = "ONNX generator"
TRANSFORM: str | None = None
statistics_at = no_statistics

_TEXTS = ("source", "image")
_MOST_NAME = 200


@dataclass(frozen=True)
class OnnxConfig:
    """ports: how the graph is fed and read. beside: names of the files with its values."""

    ports: Ports
    beside: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The name of this family in cards."""
        return NAME

    @property
    def z_dim(self) -> int:
        """Length of a row of the input."""
        return self.ports.dim

    @property
    def num_ws(self) -> int:
        """Rows it takes for a picture, 1 for a z."""
        return max(1, self.ports.rows)

    @property
    def c_dim(self) -> int:
        """How many classes it takes; a graph that takes ws of its own knows none here."""
        return self.ports.classes

    @property
    def w_dim(self) -> int:
        """w is what the graph takes: z, and the class where there are some."""
        return self.ports.dim + self.ports.classes

    @property
    def resolution(self) -> int:
        """Height and width of the picture in pixels."""
        return self.ports.resolution

    @property
    def img_channels(self) -> int:
        """1 for grey, 3 for colour."""
        return self.ports.channels

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with what follows from them for the reader's sake."""
        ports = asdict(self.ports)
        ports["c"] = None if self.ports.c is None else list(self.ports.c)
        sizes = ("z_dim", "num_ws", "c_dim", "resolution", "img_channels")
        told = {name: getattr(self, name) for name in sizes}
        return {**told, "ports": ports, "beside": list(self.beside)}


def read_config(plain: Mapping[str, Any]) -> OnnxConfig:
    """See Family."""
    ports = dict(plain["ports"])
    name_and_length = ports.get("c")
    ports["c"] = None if name_and_length is None else tuple(name_and_length)
    made = Ports(**ports)
    given = [made.dim, made.resolution, made.channels, made.rows + 1, made.batch or 1]
    check_card(plain, {"ports", "beside"}, [*given, *([] if made.c is None else [made.c[1]])])
    texts = [getattr(made, name) for name in _TEXTS] + ([] if made.c is None else [made.c[0]])
    if not all(isinstance(text, str) and 0 < len(text) <= _MOST_NAME for text in texts):
        raise ValueError("an input or output has no name")
    if made.scale not in ("symmetric", "unit", "bytes") or type(made.last) is not bool:
        raise ValueError(f"the scale {str(made.scale)[:40]!r} is not known")
    beside = tuple(str(name) for name in plain["beside"])
    if any(set(name) & set("/\\:\0") or name in ("", ".", "..") for name in beside):
        raise ValueError("a file that should lie beside it lies elsewhere")
    return OnnxConfig(made, beside)


def shapes_of(config: OnnxConfig) -> Shapes:
    """No tensor is known by name but the average."""
    return {"average": (config.w_dim,)}


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
    raise ModelError(
        "A model that came as an ONNX graph runs on ONNX Runtime alone.", "Choose backend onnx."
    )
