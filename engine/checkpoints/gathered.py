"""Named arrays gathered from a checkpoint's stand-ins, with a name and a bound for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.checkpoints.inert_values import Array
from engine.checkpoints.refusal import TOO_MUCH, UNSAFE, refuse, shown

MAX_TENSORS = 50_000
MAX_NAME = 1000
MAX_NESTING = 48


@dataclass
class Gathered:
    """The tensors of one network while they are found. Raises Refusal at every bound."""

    arrays: dict[str, Array] = field(default_factory=dict)
    visited: int = 0

    def visit(self, depth: int) -> None:
        """Count one part of a network, `depth` below it."""
        self.visited += 1
        if depth > MAX_NESTING or self.visited > MAX_TENSORS:
            refuse("it has more parts within parts than any network that is known", TOO_MUCH)

    def add(self, name: str, array: Array) -> None:
        """Keep a tensor under its dotted name."""
        if not name or len(name) > MAX_NAME or not name.isprintable():
            refuse(f"a tensor has the name {shown(name)!r}, which is not printable or too long")
        if name in self.arrays or len(self.arrays) >= MAX_TENSORS:
            refuse(f"it has the tensor {shown(name)!r} twice, or too many tensors", UNSAFE)
        self.arrays[name] = array


@dataclass(frozen=True)
class Network:
    """A network of stand-ins; the fields mean what they mean in RawNetwork.

    family: whose form it was stored in.
    """

    family: Literal["nvidia", "tf", "torch", "onnx"]
    name: str
    class_name: str
    arrays: dict[str, Array]
    init: dict[str, Any]
