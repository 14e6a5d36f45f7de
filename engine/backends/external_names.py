"""Which weights an ONNX graph expects from outside, read from its bytes alone.

Importing `onnx` for this would take a fifth of a second of the program's start. An ONNX file is a
Protocol Buffers message; three nested fields are enough: ModelProto.graph (7), its initializer
(5), and of that the name (8) and the data_location (14, EXTERNAL = 1).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import CheckpointError

_GRAPH, _INITIALIZER, _NAME, _LOCATION, _EXTERNAL = 7, 5, 8, 14, 1
_SCALAR_BYTES = {1: 8, 5: 4}


def external_names(model: bytes) -> tuple[str, ...]:
    """Names of the initializers without values, in the file's order. Raises CheckpointError."""
    names = []
    for graph in _messages(memoryview(model), _GRAPH):
        for tensor in _messages(graph, _INITIALIZER):
            name, external = "", False
            for field, value in _fields(tensor):
                if field == _NAME and isinstance(value, memoryview):
                    name = _text(value)
                elif field == _LOCATION:
                    external = value == _EXTERNAL
            if external:
                names.append(name)
    return tuple(names)


def _messages(data: memoryview, wanted: int) -> Iterator[memoryview]:
    for field, value in _fields(data):
        if field == wanted and isinstance(value, memoryview):
            yield value


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in _SCALAR_BYTES:
            size = _SCALAR_BYTES[kind]
        else:
            raise _damaged()
        if size > len(data) - at:
            raise _damaged()
        if kind == 2:
            yield key >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise _damaged()
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _damaged()


def _text(data: memoryview) -> str:
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise _damaged() from error


def _damaged() -> CheckpointError:
    return CheckpointError("The ONNX graph is damaged.", "Export or import the model again.")
