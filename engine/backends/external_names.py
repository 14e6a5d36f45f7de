"""Which weights an ONNX graph expects from outside, read from its bytes alone.

Importing `onnx` for this would take a fifth of a second of the program's start. An ONNX file is a
Protocol Buffers message; three nested fields are enough: ModelProto.graph (7), its initializer
(5), and of that the name (8) and the data_location (14, EXTERNAL = 1).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.checkpoints.onnx_wire import Fields, message, text
from engine.checkpoints.refusal import naming

_GRAPH, _INITIALIZER, _NAME, _LOCATION, _EXTERNAL = 7, 5, 8, 14, 1


def external_names(model: bytes) -> tuple[str, ...]:
    """Names of the initializers without values, in the file's order. Raises CheckpointError."""
    with naming("The ONNX graph"):
        return tuple(_external(memoryview(model), Fields()))


def _external(model: memoryview, fields: Fields) -> Iterator[str]:
    for graph in _messages(model, _GRAPH, fields):
        for tensor in _messages(graph, _INITIALIZER, fields):
            parts = dict(fields.of(tensor))  # of a field that stands twice the last one counts
            if parts.get(_LOCATION) == _EXTERNAL:
                yield text(parts.get(_NAME, memoryview(b"")))


def _messages(data: memoryview, wanted: int, fields: Fields) -> Iterator[memoryview]:
    return (message(value) for field, value in fields.of(data) if field == wanted)
