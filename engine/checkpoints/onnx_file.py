"""Checks an ONNX file without running it, and tells its inputs and outputs.

Fields and types are those of onnx.proto (IR version 10). A graph is a program: it is refused when
it names operators outside the standard sets, loops, asks for memory that it does not hold, or
points at files that are not plainly its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.checkpoints.onnx_external import External, check_external
from engine.checkpoints.onnx_wire import Fields, message, signed, text, varints
from engine.checkpoints.refusal import TOO_MUCH, UNSAFE, refuse, shown

DOMAINS = frozenset({"", "ai.onnx", "com.microsoft"})
_LOOPS = frozenset({"Loop", "Scan", "SequenceMap"})
_BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16,
    17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4,
}  # fmt: skip
_TYPE_NAMES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    8: "string", 9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64",
    16: "bfloat16",
}  # fmt: skip
MAX_VALUES = 2**31
MAX_MADE_BYTES = 2**28
MAX_GRAPHS = 8
MAX_IR = 20


@dataclass
class OnnxFacts:
    """What a graph takes and gives. inputs and outputs: name to (type, sizes; text or None where
    a size is left open). nodes: how many operators; opset: of the standard operators. beside: the
    files beside it that hold some of its values.
    """

    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    nodes: int = 0
    opset: int = 0
    beside: list[str] = field(default_factory=list)

    def as_plain(self) -> Mapping[str, Any]:
        """The facts in JSON's terms."""
        return {"inputs": self.inputs, "outputs": self.outputs, "nodes": self.nodes,
                "opset": self.opset, "beside": self.beside}  # fmt: skip


def check_onnx(data: memoryview, folder: Path | None) -> OnnxFacts:
    """Check the graph; folder: where its external values may lie, None where they may not.

    Raises Refusal.
    """
    checker = _Checker(folder)
    graph: memoryview | None = None
    for number, value in checker.fields.of(data):
        if number == 1 and not (isinstance(value, int) and 1 <= value <= MAX_IR):
            refuse("it is no ONNX file, or of a version that is not known")
        elif number == 7:
            if graph is not None:
                refuse("it holds two graphs", UNSAFE)
            graph = message(value)
        elif number == 8:
            checker.opset(message(value))
        elif number == 25:
            checker.function(message(value))
        elif number == 20:
            refuse("it holds a training program", UNSAFE)
        elif number not in range(1, 27):
            refuse("it is no ONNX file, or damaged")
    if graph is None or not checker.facts.opset:
        refuse("it is no ONNX file: it holds no graph or names no operator set")
    checker.graph(graph, 0)
    return checker.facts


class _Checker:
    def __init__(self, folder: Path | None) -> None:
        self.fields = Fields()
        self.facts = OnnxFacts()
        self.folder = folder
        self.made_bytes = 0
        self.lists: dict[str, list[int]] = {}  # short lists of numbers: they may be shapes

    def opset(self, data: memoryview) -> None:
        domain, version = "", 0
        for number, value in self.fields.of(data):
            if number == 1:
                domain = text(value)
            elif number == 2 and isinstance(value, int):
                version = value
        self._domain(domain)
        if domain in ("", "ai.onnx"):
            self.facts.opset = version

    def function(self, data: memoryview) -> None:
        for number, value in self.fields.of(data):
            if number == 7:
                self._node(message(value), 1)

    def graph(self, data: memoryview, depth: int) -> None:
        if depth > MAX_GRAPHS:
            refuse("it nests graphs too deep", UNSAFE)
        later: list[memoryview] = []
        for number, value in self.fields.of(data):
            if number == 1:
                later.append(message(value))
            elif number == 5:
                self._tensor(message(value))
            elif number == 15:
                self._sparse(message(value))
            elif number in (11, 12) and depth == 0:
                self._port(
                    message(value), self.facts.inputs if number == 11 else self.facts.outputs
                )
        # Initializers may stand behind the nodes that use them.
        for node in later:
            self._node(node, depth)

    def _domain(self, domain: str) -> None:
        if domain not in DOMAINS:
            refuse(f"it uses operators of {shown(domain)!r}, which are not known", UNSAFE)

    def _node(self, data: memoryview, depth: int) -> None:
        self.facts.nodes += 1
        kind, inputs, outputs, listed = "", [], [], []  # type: str, list[str], list[str], list[int]
        for number, value in self.fields.of(data):
            if number == 1:
                inputs.append(text(value))
            elif number == 2:
                outputs.append(text(value))
            elif number == 4:
                kind = text(value)
            elif number == 7:
                self._domain(text(value))
            elif number == 5:
                listed += self._attribute(message(value), depth)
        if kind in _LOOPS:
            refuse(f"it holds the loop {kind}, which may never end", UNSAFE)
        if kind == "Constant" and listed and outputs:
            self.lists[outputs[0]] = listed
        if kind in ("ConstantOfShape", "Expand", "Tile") and inputs:
            self._made(kind, inputs[-1 if kind != "ConstantOfShape" else 0])

    def _attribute(self, data: memoryview, depth: int) -> list[int]:
        """Check an attribute; returns its numbers, where it is a short list of them."""
        listed: list[int] = []
        for number, value in self.fields.of(data):
            if number in (5, 10):
                self._tensor(message(value))
                listed += _listed(self.fields, message(value))
            elif number == 8:
                listed += varints(value)
            elif number in (6, 11):
                self.graph(message(value), depth + 1)
            elif number in (22, 23):
                self._sparse(message(value))
        return listed

    def _made(self, kind: str, shape: str) -> None:
        """Count what an operator makes out of nothing, where its size is written in the file."""
        count = math.prod(max(size, 0) for size in self.lists.get(shape, [])[:16])
        self.made_bytes += count * 8
        if self.made_bytes > MAX_MADE_BYTES:
            refuse(f"its {kind} makes a tensor of {count} values out of nothing", TOO_MUCH)

    def _sparse(self, data: memoryview) -> None:
        for number, value in self.fields.of(data):
            if number in (1, 2):
                self._tensor(message(value))
            elif number == 3 and math.prod(varints(value)) > MAX_VALUES:
                refuse("it holds a sparse tensor of an impossible size", TOO_MUCH)

    def _tensor(self, data: memoryview) -> None:
        dims: list[int] = []
        kind, place, held, name, external = 0, 0, 0, "", []
        for number, value in self.fields.of(data):
            if number == 1:
                dims += varints(value)
            elif number == 2 and isinstance(value, int):
                kind = value
            elif number == 8:
                name = text(value)
            elif number == 9:
                held += len(message(value))
            elif number == 13:
                external.append(self._pair(message(value)))
            elif number == 14 and isinstance(value, int):
                place = value
            elif number in (4, 5, 7, 10, 11) and not isinstance(value, int):
                held += 4 * len(value) if number in (5, 7, 11) else len(value)
            elif number in (4, 5, 7, 10, 11):
                held += 8
        self._sizes(name, dims, kind, place, held, External(tuple(external)))
        if name and kind == 7 and place == 0:
            self.lists[name] = _listed(self.fields, data)

    def _sizes(
        self, name: str, dims: list[int], kind: int, place: int, held: int, external: External
    ) -> None:
        if len(dims) > 16 or any(not 0 <= size < 2**40 for size in dims):
            refuse(f"its tensor {shown(name)!r} has impossible sizes")
        count = math.prod(dims)
        if kind not in _BITS and not (kind == 8 and count < 2**16):
            refuse(f"its tensor {shown(name)!r} is of a type that is not read here")
        need = (count * _BITS.get(kind, 0) + 7) // 8
        if place == 1:
            place_beside = check_external(name, external, need, self.folder)
            if place_beside not in self.facts.beside:
                self.facts.beside.append(place_beside)
        elif place != 0 or external.pairs:
            refuse(f"its tensor {shown(name)!r} says in two ways where its values are", UNSAFE)
        elif held < need:
            refuse(f"its tensor {shown(name)!r} of {count} values holds only {held} bytes")

    def _pair(self, data: memoryview) -> tuple[str, str]:
        key, content = "", ""
        for number, value in self.fields.of(data):
            if number == 1:
                key = text(value)
            elif number == 2:
                content = text(value)
        return key, content

    def _port(self, data: memoryview, ports: dict[str, Any]) -> None:
        name, told = "", ("", [])  # type: tuple[str, tuple[str, list[Any]]]
        for number, value in self.fields.of(data):
            if number == 1:
                name = text(value)
            elif number == 2:
                told = self._type(message(value))
        if not name or not name.isprintable() or name in ports or len(ports) >= 256:
            refuse("it has an input or output without a plain name of its own")
        ports[name] = {"type": told[0], "shape": told[1]}

    def _type(self, data: memoryview) -> tuple[str, list[Any]]:
        kind, sizes = "", []
        for number, value in self.fields.of(data):
            if number != 1:
                continue
            for inner, part in self.fields.of(message(value)):
                if inner == 1 and isinstance(part, int):
                    kind = _TYPE_NAMES.get(part, f"type {part}")
                elif inner == 2:
                    sizes = [self._size(message(size)) for _, size in self.fields.of(message(part))]
        if len(sizes) > 16 or math.prod(s for s in sizes if type(s) is int) > MAX_VALUES:
            refuse("it has an input or output of an impossible size", TOO_MUCH)
        return kind, sizes

    def _size(self, data: memoryview) -> int | str | None:
        for number, value in self.fields.of(data):
            if number == 1 and isinstance(value, int):
                if not 0 <= signed(value) <= MAX_VALUES:
                    refuse("it has an input or output of an impossible size", TOO_MUCH)
                return value
            if number == 2:
                return shown(text(value))
        return None


def _listed(fields: Fields, tensor: memoryview) -> list[int]:
    """The values of a short int64 tensor, which may be a shape; [] of another."""
    values: list[int] = []
    for number, value in fields.of(tensor):
        if number == 9 and not isinstance(value, int) and len(value) <= 128:
            values += [
                int.from_bytes(value[at : at + 8], "little", signed=True)
                for at in range(0, len(value), 8)
            ]
        elif number == 7 and (isinstance(value, int) or len(value) <= 128):
            values += varints(value)
    return values
