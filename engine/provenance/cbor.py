"""Reading CBOR (RFC 8949) that may be hostile: only what a COSE signature is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_DEEPEST = 16
_BREAK = object()
_SIMPLE = {20: False, 21: True, 22: None}


@dataclass(frozen=True)
class Tagged:
    """A value with a tag, such as 18 for COSE_Sign1."""

    tag: int
    value: Any


def read_cbor(data: bytes) -> Any:
    """The first value in `data`; what follows it is left alone. Raises ValueError."""
    value, _ = _read(data, 0, 0)
    if value is _BREAK:
        raise ValueError("a break without a beginning")
    return value


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    first = _part(data, at, 1)[0]
    major, info = first >> 5, first & 31
    at += 1
    if major == 7:
        return _simple(data, at, info)
    if info == 31 and major in (2, 3, 4, 5):
        return _open_ended(data, at, major, depth)
    number, at = _number(data, at, info)
    if major in (0, 1):
        return (number if major == 0 else -1 - number), at
    if major in (2, 3):
        part = _part(data, at, number)
        return (part if major == 2 else part.decode("utf-8")), at + number
    if major == 6:
        value, at = _read(data, at, depth + 1)
        return Tagged(number, value), at
    values = []
    for _ in range(number * (major - 3)):
        value, at = _read(data, at, depth + 1)
        values.append(value)
    return (values if major == 4 else _pairs(values)), at


def _open_ended(data: bytes, at: int, major: int, depth: int) -> tuple[Any, int]:
    values = []
    while True:
        value, at = _read(data, at, depth + 1)
        if value is _BREAK:
            break
        values.append(value)
    if major == 2:
        return b"".join(values), at
    if major == 3:
        return "".join(values), at
    return (values if major == 4 else _pairs(values)), at


def _simple(data: bytes, at: int, info: int) -> tuple[Any, int]:
    if info == 31:
        return _BREAK, at
    if info in _SIMPLE:
        return _SIMPLE[info], at
    if not 25 <= info <= 27:
        raise ValueError("a value that means nothing here")
    size = 1 << (info - 24)
    _part(data, at, size)
    return None, at + size  # floats have no place in a COSE header


def _number(data: bytes, at: int, info: int) -> tuple[int, int]:
    if info < 24:
        return info, at
    if info > 27:
        raise ValueError("a reserved length")
    size = 1 << (info - 24)
    return int.from_bytes(_part(data, at, size), "big"), at + size


def _part(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise ValueError("it ends too early")
    return data[at : at + size]


def _pairs(values: list[Any]) -> dict[Any, Any]:
    if len(values) % 2:
        raise ValueError("a key without a value")
    keys = values[::2]
    if not all(isinstance(key, int | str | bytes) for key in keys):
        raise ValueError("a key that is no number and no text")
    return dict(zip(keys, values[1::2], strict=True))
