"""A strict reader and a plain writer of .safetensors files.

Layout (Hugging Face, 2022): an unsigned 64-bit little-endian length, a JSON header of that length
that maps each name to dtype, shape and the half-open byte range of its values, then the values.
The reader refuses what the format forbids and what no honest writer makes: an overlong header,
doubled names, ranges that overlap, leave holes or pass the end, and values that are not finite.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from engine.checkpoints.refusal import shown
from engine.errors import CheckpointError

MAX_HEADER_BYTES = 100_000_000
MAX_HEADER_PARTS = 2_000_000  # brackets and commas: bounds what the header's text becomes in memory
MAX_TENSORS = 100_000
MAX_DIMENSIONS = 8
MAX_NAME = 1024

_DTYPES: dict[str, str] = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items() if name != "BF16"}


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Read every tensor of the file, as stored. Raises CheckpointError that names the tensor.

    The arrays are read-only and share one buffer with the bytes of the file; only BF16, which NumPy
    lacks, becomes float32 in new memory.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
    return parse_safetensors(data, shown(path.name, 80))


def parse_safetensors(data: bytes, where: str) -> dict[str, np.ndarray]:
    """Read the tensors from the bytes of a file; `where` names it in messages."""
    header, start = _header(data, where)
    body = memoryview(data)[start:]
    entries = [_entry(name, value, where) for name, value in header.items()]
    _check_ranges(entries, len(body), where)
    tensors = {}
    for name, code, shape, begin, end in entries:
        array = np.frombuffer(body[begin:end], dtype=_DTYPES[code]).reshape(shape)
        if code == "BF16":
            array = (array.astype("<u4") << 16).view("<f4")
        dtype = array.dtype
        if dtype.kind == "f" and not np.isfinite(array).all():
            _refuse(where, name, "holds values that are not finite")
        if dtype.kind == "b" and array.size and int(array.view(np.uint8).max()) > 1:
            _refuse(where, name, "holds values that are neither true nor false")
        tensors[name] = array
    return tensors


def tensor_names(path: Path) -> frozenset[str]:
    """What the tensors of a file are called, its values unread; none where it is no such file."""
    try:
        return frozenset(_read_header(path))
    except CheckpointError:
        return frozenset()


def tensor_sizes(path: Path) -> dict[str, tuple[int, int]]:
    """Numbers and bytes of the tensors of a file, its values unread. Raises CheckpointError."""
    entries = [_entry(name, value, path.name) for name, value in _read_header(path).items()]
    return {name: (math.prod(shape), end - begin) for name, _, shape, begin, end in entries}


def write_safetensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write the tensors, sorted by name, through a temporary file beside the target."""
    header: dict[str, Any] = {}
    offset = 0
    for name in sorted(tensors):
        array = tensors[name]
        little = array.dtype.newbyteorder("<")
        header[name] = {
            "dtype": _NAMES[little],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".weights-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in sorted(tensors):
                array = tensors[name]
                file.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes("C"))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


_Entry = tuple[str, str, tuple[int, ...], int, int]


def _read_header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(head := file.read(8), "little")
            data = head + file.read(min(length, MAX_HEADER_BYTES)) + b"  "
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}.") from error
    return _header(data, path.name)[0]


def _header(data: bytes, where: str) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 10 or length > min(len(data) - 8, MAX_HEADER_BYTES):
        raise CheckpointError(
            f"{where} is no whole safetensors file: its header does not fit in {len(data)} bytes.",
            "The file may be cut off; fetch it again.",
        )
    try:
        text = data[8 : 8 + length].decode("utf-8")
        if sum(text.count(mark) for mark in "[{,") > MAX_HEADER_PARTS:
            raise ValueError("it has too many parts")
        header = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where} has a damaged header: {str(error)[:120]}.") from error
    if not isinstance(header, dict) or not text.startswith("{"):
        raise CheckpointError(f"{where} has a header that is no object.")
    notes = header.pop("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(v, str) for v in notes.values()):
        raise CheckpointError(f"{where} has notes in its header that are not text.")
    if len(header) > MAX_TENSORS:
        raise CheckpointError(f"{where} names {len(header)} tensors, more than {MAX_TENSORS}.")
    return header, 8 + length


def _entry(name: str, value: Any, where: str) -> _Entry:
    if len(name) > MAX_NAME or not name.isprintable():
        _refuse(where, name[:60], "has a name that is too long or not printable")
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        _refuse(where, name, "lacks dtype, shape or data_offsets, or has more than these")
    code = value["dtype"]
    if not isinstance(code, str) or code not in _DTYPES:
        _refuse(where, name, f"has the type {str(code)[:20]!r}, which is not read here")
    shape, span = value["shape"], value["data_offsets"]
    if not _whole(shape) or len(shape) > MAX_DIMENSIONS:
        _refuse(where, name, "has a shape that is no list of up to 8 whole numbers")
    if not _whole(span) or len(span) != 2 or span[0] > span[1]:
        _refuse(where, name, "has a byte range that is none")
    dtype = np.dtype(_DTYPES[code])
    if math.prod(shape) * dtype.itemsize != span[1] - span[0]:
        _refuse(where, name, f"of shape {shape} does not fill its {span[1] - span[0]} bytes")
    return name, code, tuple(shape), span[0], span[1]


def _check_ranges(entries: list[_Entry], size: int, where: str) -> None:
    at = 0
    for name, _, _, begin, end in sorted(entries, key=lambda entry: (entry[3], entry[4])):
        if begin != at:
            _refuse(where, name, "overlaps another" if begin < at else "follows a hole")
        at = end
        if at > size:
            _refuse(where, name, f"ends at byte {end}, but the file holds {size} bytes of values")
    if at != size:
        raise CheckpointError(f"{where} has {size - at} bytes that belong to no tensor.")


def _whole(value: Any) -> bool:
    return isinstance(value, list) and all(type(x) is int and 0 <= x < 2**48 for x in value)


def _refuse(where: str, name: str, words: str) -> NoReturn:
    raise CheckpointError(
        f"{where}: the tensor {name!r} {words}.", "The file is damaged or was made to mislead."
    )


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a name stands twice")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number here")
