"""Decodes a pickle into its operations, each checked against the bytes that are there.

The opcodes are those of CPython's `pickletools` (protocols 2 to 5). The scan and the machine both
read through this one decoder, so they can never disagree about where an operation ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.checkpoints.refusal import TOO_MUCH, UNSAFE, refuse

MAX_OPERATIONS = 600_000  # genuine files take up to some 300,000
MAX_LONG_BYTES = 32
MAX_TEXT_BYTES = 256 * 2**20
MAX_GLOBAL = 256


class Op(NamedTuple):
    """One operation: its opcode's name, its argument, and where it begins and ends."""

    name: str
    value: Any
    at: int
    end: int


@dataclass
class Budget:
    """What is left to spend on one file, its nested archives included.

    operations: opcodes that the scan may meet. text_bytes: bytes of text that it may decode.
    """

    operations: int = MAX_OPERATIONS
    text_bytes: int = MAX_TEXT_BYTES

    def spend(self, text_bytes: int = 0) -> None:
        """Count one operation. Raises Refusal when the limit is passed."""
        self.operations -= 1
        self.text_bytes -= text_bytes
        if self.operations < 0 or self.text_bytes < 0:
            refuse("it takes more steps to read than any checkpoint that is known", TOO_MUCH)


# opcode: name, kind of argument, first protocol that has it
_NONE, _INT, _BYTES, _TEXT, _LATIN = "none", "int", "bytes", "text", "latin"
_OPCODES: dict[int, tuple[str, str, str, int]] = {
    ord(code): (name, kind, form, protocol)
    for code, name, kind, form, protocol in (
        ("K", "INT", _INT, "<B", 1),
        ("M", "INT", _INT, "<H", 1),
        ("J", "INT", _INT, "<i", 1),
        ("G", "FLOAT", _INT, ">d", 1),
        ("\x8a", "LONG", "long", "<B", 2),
        ("\x8b", "LONG", "long", "<i", 2),
        ("U", "BYTES", _LATIN, "<B", 1),
        ("T", "BYTES", _LATIN, "<i", 1),
        ("C", "BYTES", _BYTES, "<B", 3),
        ("B", "BYTES", _BYTES, "<I", 3),
        ("\x8e", "BYTES", _BYTES, "<Q", 4),
        ("\x96", "BYTES", _BYTES, "<Q", 5),
        ("X", "TEXT", _TEXT, "<I", 1),
        ("\x8c", "TEXT", _TEXT, "<B", 4),
        ("\x8d", "TEXT", _TEXT, "<Q", 4),
        ("N", "NONE", _NONE, "", 0),
        ("\x88", "TRUE", _NONE, "", 2),
        ("\x89", "FALSE", _NONE, "", 2),
        ("]", "EMPTY_LIST", _NONE, "", 1),
        (")", "EMPTY_TUPLE", _NONE, "", 1),
        ("}", "EMPTY_DICT", _NONE, "", 1),
        ("\x8f", "EMPTY_SET", _NONE, "", 4),
        ("(", "MARK", _NONE, "", 0),
        ("0", "POP", _NONE, "", 0),
        ("1", "POP_MARK", _NONE, "", 1),
        ("a", "APPEND", _NONE, "", 0),
        ("e", "APPENDS", _NONE, "", 1),
        ("s", "SETITEM", _NONE, "", 0),
        ("u", "SETITEMS", _NONE, "", 1),
        ("\x90", "ADDITEMS", _NONE, "", 4),
        ("\x91", "FROZENSET", _NONE, "", 4),
        ("t", "TUPLE", _NONE, "", 0),
        ("\x85", "TUPLE1", _NONE, "", 2),
        ("\x86", "TUPLE2", _NONE, "", 2),
        ("\x87", "TUPLE3", _NONE, "", 2),
        ("h", "GET", _INT, "<B", 1),
        ("j", "GET", _INT, "<I", 1),
        ("q", "PUT", _INT, "<B", 1),
        ("r", "PUT", _INT, "<I", 1),
        ("\x94", "MEMOIZE", _NONE, "", 4),
        ("c", "GLOBAL", "global", "", 0),
        ("\x93", "STACK_GLOBAL", _NONE, "", 4),
        ("R", "REDUCE", _NONE, "", 0),
        ("b", "BUILD", _NONE, "", 0),
        ("\x81", "NEWOBJ", _NONE, "", 2),
        ("Q", "PERSISTENT", _NONE, "", 1),
        ("\x80", "PROTO", _INT, "<B", 2),
        ("\x95", "FRAME", _INT, "<Q", 4),
        (".", "STOP", _NONE, "", 0),
    )
}
_REFUSED = {
    ord(code): name
    for code, name in (
        ("i", "INST"), ("o", "OBJ"), ("P", "PERSID"), ("2", "DUP"), ("\x82", "EXT1"),
        ("\x83", "EXT2"), ("\x84", "EXT4"), ("\x92", "NEWOBJ_EX"), ("\x97", "NEXT_BUFFER"),
        ("\x98", "READONLY_BUFFER"), ("I", "INT"), ("L", "LONG"), ("S", "STRING"),
        ("V", "UNICODE"), ("F", "FLOAT"), ("g", "GET"), ("p", "PUT"), ("d", "DICT"), ("l", "LIST"),
    )
}  # fmt: skip
_SHORT_LATIN = 256


def operations(data: memoryview, start: int, budget: Budget) -> Iterator[Op]:
    """The operations of the pickle that begins at `start`, up to and with its STOP.

    Lengths, frames and protocol are checked. BYTES arguments are views of `data`, and so is a
    Python 2 string of more than 256 bytes; shorter ones are text. Raises Refusal.
    """
    at, frame_end, protocol = start, None, 0
    while True:
        if at >= len(data):
            refuse("its pickle ends before it is complete")
        op, needs = _decode(data, at, budget)
        if (op.name == "PROTO") != (at == start):
            refuse("its pickle does not begin with one protocol number", UNSAFE)
        if op.name == "PROTO":
            protocol = op.value
            if not 2 <= protocol <= 5:
                refuse(f"its pickle is of protocol {protocol}; 2 to 5 are read")
        if needs > protocol:
            refuse(f"its pickle of protocol {protocol} uses {op.name} of protocol {needs}", UNSAFE)
        if frame_end is not None and op.end > frame_end:
            refuse("an operation of its pickle crosses the end of its frame", UNSAFE)
        if op.name == "FRAME":
            frame_end = _frame(data, op, frame_end)
        elif op.end == frame_end:
            frame_end = None
        yield op
        if op.name == "STOP":
            if frame_end is not None:
                refuse("a frame of its pickle is longer than the pickle", UNSAFE)
            return
        at = op.end


def _frame(data: memoryview, op: Op, open_frame: int | None) -> int:
    if open_frame is not None:
        refuse("its pickle has a frame within a frame", UNSAFE)
    if not 0 < op.value <= len(data) - op.end:
        refuse(f"its pickle declares a frame of {op.value} bytes, more than there are")
    return int(op.end + op.value)


def _decode(data: memoryview, at: int, budget: Budget) -> tuple[Op, int]:
    known = _OPCODES.get(data[at])
    if known is None:
        name = _REFUSED.get(data[at])
        if name is None:
            refuse(f"its pickle has no operation with the code {data[at]:#04x}")
        refuse(f"its pickle uses {name}, which no checkpoint needs", UNSAFE)
    name, kind, form, protocol = known
    if kind == _NONE:
        budget.spend()
        return Op(name, None, at, at + 1), protocol
    if kind == "global":
        budget.spend()
        value, end = _global(data, at + 1)
        return Op(name, value, at, end), protocol
    body = at + 1 + struct.calcsize(form)
    if body > len(data):
        refuse("its pickle ends before it is complete")
    number = struct.unpack_from(form, data, at + 1)[0]
    if kind == _INT:
        budget.spend()
        return Op(name, number, at, body), protocol
    if not 0 <= number <= len(data) - body:
        refuse(f"its pickle declares a value of {number} bytes, more than there are")
    text = number if kind in (_TEXT, _LATIN) and (kind == _TEXT or number <= _SHORT_LATIN) else 0
    budget.spend(text)
    name, value = _value(name, kind, data[body : body + number])
    return Op(name, value, at, body + number), protocol


def _value(name: str, kind: str, raw: memoryview) -> tuple[str, Any]:
    if kind == "long":
        if len(raw) > MAX_LONG_BYTES:
            refuse(f"its pickle holds a number of {len(raw)} bytes", UNSAFE)
        return name, int.from_bytes(raw, "little", signed=True)
    if kind == _BYTES or (kind == _LATIN and len(raw) > _SHORT_LATIN):
        return "BYTES", raw
    try:
        return "TEXT", str(raw, "utf-8" if kind == _TEXT else "latin-1")
    except UnicodeDecodeError:
        refuse("its pickle holds text that is not UTF-8")


def _global(data: memoryview, at: int) -> tuple[tuple[str, str], int]:
    lines = bytes(data[at : at + 2 * MAX_GLOBAL]).split(b"\n", 2)
    if len(lines) < 3 or max(len(lines[0]), len(lines[1])) > MAX_GLOBAL:
        refuse("its pickle names a global that is too long or cut off")
    try:
        module, name = lines[0].decode("ascii"), lines[1].decode("ascii")
    except UnicodeDecodeError:
        refuse("its pickle names a global that is not plain text", UNSAFE)
    return (module, name), at + len(lines[0]) + len(lines[1]) + 2
