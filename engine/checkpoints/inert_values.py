"""The stand-ins that a pickle's objects become: plain records with no behaviour of their own.

NumPy is asked for an array only at the very end, with a type from a fixed table and sizes that
were checked against the bytes; no constructor ever sees what the file says.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.checkpoints.refusal import refuse, shown

MAX_DIMENSIONS = 8
MAX_VALUES = 2**40
NUMPY_CODES = frozenset(
    {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "bf16"}
)


def item_bytes(code: str) -> int:
    """Bytes of one value of the type: "f4" has 4, "bf16" has 2."""
    return 2 if code == "bf16" else int(code[1:])


@dataclass(frozen=True, slots=True)
class Global:
    """A name from the list; meaning says which stand-in it is."""

    module: str
    name: str
    meaning: str


@dataclass(slots=True, eq=False)
class Thing:
    """An object: an ordered dict, a namespace, a network. items: of dict-like things only."""

    kind: Global
    items: dict[Any, Any] | None = None
    state: Any = None
    built: bool = False


@dataclass(slots=True, eq=False)
class InertSet:
    """A set, kept as a list: nothing is hashed or compared."""

    items: list[Any] = field(default_factory=list)
    frozen: bool = False


@dataclass(slots=True, eq=False)
class DType:
    """A NumPy type. code: "f4"; ready once its byte order is known to be little-endian."""

    code: str
    ready: bool = False


@dataclass(slots=True, eq=False)
class Storage:
    """Values of one type in a row. data: their bytes, None until they are met.

    crc: what the archive says of the bytes; checked once, when the values are first asked for.
    """

    code: str
    count: int
    data: memoryview | None = None
    crc: int | None = None

    def bytes(self) -> memoryview:
        """The bytes, checked for their number and sum. Raises Refusal."""
        if self.data is None or len(self.data) != self.count * item_bytes(self.code):
            refuse("a tensor's values are missing or of another number than it says")
        if self.crc is not None:
            if zlib.crc32(self.data) != self.crc:
                refuse("a tensor's values differ from their checksum")
            self.crc = None
        return self.data


@dataclass(slots=True, eq=False)
class Array:
    """A NumPy array or a torch tensor. offset and strides: in values; storage: None until built."""

    storage: Storage | None = None
    offset: int = 0
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    @property
    def code(self) -> str:
        """The type of the values; "" while there are none."""
        return self.storage.code if self.storage else ""

    def to_numpy(self) -> np.ndarray:
        """A read-only view of the file's bytes; bfloat16 becomes float32 in new memory.

        Raises Refusal when the bytes are missing or hold something that the type has not.
        """
        if self.storage is None:
            refuse("an array was announced but never filled")
        code = {"bf16": "<u2", "b1": "|u1"}.get(self.code, "<" + self.code)
        kind = np.dtype(code)
        if self.size == 0:
            return np.zeros(self.shape, "<f4" if self.code == "bf16" else kind)
        steps = [stride * kind.itemsize for stride in self.strides]
        at = self.offset * kind.itemsize
        array: np.ndarray = np.ndarray(self.shape, kind, self.storage.bytes(), at, steps)
        if self.code == "bf16":
            return (array.astype("<u4") << 16).view("<f4")
        if self.code == "b1":
            if int(array.max()) > 1:
                refuse("a tensor of truth values holds something else")
            return array.view("|b1")
        return array


def make_array(storage: Storage, offset: Any, shape: Any, strides: Any) -> Array:
    """An array over a storage whose every value lies inside it. Raises Refusal.

    An array with more values than its storage (strides of 0) is refused: a few bytes would
    become gigabytes.
    """
    sizes, steps = whole_numbers(shape, "shape"), whole_numbers(strides, "strides")
    if type(offset) is not int or not 0 <= offset <= storage.count or len(sizes) != len(steps):
        refuse("a tensor's offset or strides do not fit its shape")
    count = math.prod(sizes)
    if math.prod(max(size, 1) for size in sizes) > MAX_VALUES:
        refuse(f"a tensor has the impossible shape {shown(str(list(sizes)))}")
    last = offset + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
    if count and (last >= storage.count or count > storage.count):
        refuse(
            f"a tensor of shape {shown(str(list(sizes)))} reaches past its {storage.count} values"
        )
    return Array(storage, offset, sizes, steps)


def whole_numbers(value: Any, what: str) -> tuple[int, ...]:
    """Up to 8 whole numbers of at most 2^40, from a tuple or list. Raises Refusal."""
    if type(value) not in (tuple, list) or len(value) > MAX_DIMENSIONS:
        refuse(f"a tensor's {what} is no list of up to {MAX_DIMENSIONS} numbers")
    if not all(type(number) is int and 0 <= number <= MAX_VALUES for number in value):
        refuse(f"a tensor's {what} has a number that is none or out of range")
    return tuple(value)


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in values, of an array whose last axis runs fastest."""
    steps = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        steps[axis] = steps[axis + 1] * max(shape[axis + 1], 1)
    return tuple(steps)
