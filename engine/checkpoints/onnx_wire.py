"""The wire format of Protocol Buffers, read strictly and without building anything.

Encoding: https://protobuf.dev/programming-guides/encoding/. Only what ONNX uses: varints, 64-bit,
length-delimited and 32-bit fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.checkpoints.refusal import TOO_MUCH, refuse

MAX_FIELDS = 1_500_000
MAX_NUMBERS = 1_000_000  # bytes of one packed list
_WIDTH = {1: 8, 5: 4}


@dataclass
class Fields:
    """Reads messages, and counts the fields of all of them."""

    left: int = MAX_FIELDS

    def of(self, data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Each field of a message: its number, and a number or its bytes. Raises Refusal."""
        at = 0
        while at < len(data):
            self.left -= 1
            if self.left < 0:
                refuse("it has more parts than any graph that is known", TOO_MUCH)
            tag, at = varint(data, at)
            number, form = tag >> 3, tag & 7
            if number == 0:
                refuse("it is no ONNX file, or damaged")
            if form == 0:
                value, at = varint(data, at)
                yield number, value
                continue
            if form == 2:
                length, at = varint(data, at)
            elif form in _WIDTH:
                length = _WIDTH[form]
            else:
                refuse("it is no ONNX file, or damaged")
            if length > len(data) - at:
                refuse("it is no ONNX file, or cut off")
            yield number, data[at : at + length]
            at += length


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of up to 64 bits, and where the next field begins. Raises Refusal."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            refuse("it is no ONNX file, or cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
    refuse("it is no ONNX file, or damaged")


def signed(value: int) -> int:
    """A varint as a 64-bit number with a sign."""
    return value - 2**64 if value >= 2**63 else value


def varints(value: int | memoryview) -> list[int]:
    """A repeated number, packed or not. Raises Refusal."""
    if isinstance(value, int):
        return [signed(value)]
    if len(value) > MAX_NUMBERS:
        refuse("it holds a list of numbers that is too long", TOO_MUCH)
    numbers, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        numbers.append(signed(number))
    return numbers


def text(value: int | memoryview, limit: int = 1024) -> str:
    """A short text. Raises Refusal."""
    if isinstance(value, int) or len(value) > limit:
        refuse("it holds a name that is too long or none")
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError:
        refuse("it holds a name that is not UTF-8")


def message(value: int | memoryview) -> memoryview:
    """The bytes of a message within a message. Raises Refusal."""
    if isinstance(value, int):
        refuse("it is no ONNX file, or damaged")
    return value
