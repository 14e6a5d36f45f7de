"""torch's two file formats: a zip of stored entries since version 1.6, a row of pickles before.

Both hold a pickle in which storages are named by a key; their bytes lie beside it.
"""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import numpy as np

from engine.checkpoints.inert_pickle import read_pickle
from engine.checkpoints.pickled import ALLOWED, Reader, storage_type, storage_values
from engine.errors import CheckpointError

MAGIC = 0x1950A86A20F9469CFC6C
MAX_ENTRIES = 100_000
REMEDY = "The file is damaged or made to mislead; fetch it again from its authors."


def read_torch(data: bytes, where: str, depth: int = 0) -> Any:
    """The plain value of a torch file, arrays for tensors. Raises CheckpointError."""
    if depth > 2:
        raise CheckpointError(f"{where} holds torch files inside torch files.", REMEDY)
    if data[:4] == b"PK\x03\x04":
        return _zip(data, where, depth)
    return _legacy(data, where, depth)


def _zip(data: bytes, where: str, depth: int) -> Any:
    entries = _entries(data, where)
    pickles = [name for name in entries if name.endswith("/data.pkl")]
    if any("/code/" in name or name.endswith("constants.pkl") for name in entries):
        raise CheckpointError(
            f"{where} is a TorchScript archive, which is a program.", "Give a plain checkpoint."
        )
    if len(pickles) != 1:
        raise CheckpointError(f"{where} is no torch checkpoint: it has no data.pkl.", REMEDY)
    root = pickles[0].removesuffix("data.pkl")
    order = entries.get(root + "byteorder", b"little")
    if bytes(order) != b"little":
        raise CheckpointError(f"{where} is not in little-endian order.", "Save it again.")

    def storage(key: Any) -> np.ndarray:
        code, name, count = _storage_key(key, where)
        if f"{root}data/{name}" not in entries:
            raise CheckpointError(f"{where} lacks the storage {name!r}.", REMEDY)
        values = storage_values(entries[f"{root}data/{name}"], code)
        if len(values) < count:
            raise CheckpointError(f"{where} has a storage {name!r} that is too short.", REMEDY)
        return values

    return _value(bytes(entries[pickles[0]]), where, depth, storage)


def _entries(data: bytes, where: str) -> dict[str, memoryview]:
    """Names to stored bytes: nothing packed, encrypted, doubled or oddly named."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise CheckpointError(f"{where} is a damaged zip: {str(error)[:80]}.", REMEDY) from error
    found: dict[str, memoryview] = {}
    view = memoryview(data)
    if len(infos) > MAX_ENTRIES:
        raise CheckpointError(f"{where} has {len(infos)} entries.", REMEDY)
    for info in infos:
        name, start = info.filename, info.header_offset
        odd = name.startswith("/") or ".." in name or "\\" in name or not name.isprintable()
        packed = info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size
        if odd or packed or info.flag_bits & ~0x808 or name in found:
            raise CheckpointError(f"{where} has the zip entry {name[:60]!r}, which is odd.", REMEDY)
        head = data[start : start + 30]
        if len(head) < 30 or head[:4] != b"PK\x03\x04":
            raise CheckpointError(f"{where} has a zip entry without its header.", REMEDY)
        length, extra = struct.unpack("<HH", head[26:30])
        begin = start + 30 + length + extra
        same = data[start + 30 : start + 30 + length] == name.encode()
        if not same or begin + info.file_size > len(data):
            raise CheckpointError(f"{where} has two lists of its entries that differ.", REMEDY)
        found[name] = view[begin : begin + info.file_size]
    return found


def _legacy(data: bytes, where: str, depth: int) -> Any:
    magic, at = read_pickle(data, where, ())
    if magic != MAGIC:
        raise CheckpointError(f"{where} is no torch checkpoint.", REMEDY)
    _, at = read_pickle(data, where, (), at)  # protocol
    system, at = read_pickle(data, where, (), at)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CheckpointError(f"{where} is not in little-endian order.", "Save it again.")
    tree, at = read_pickle(data, where, ALLOWED, at)
    keys, at = read_pickle(data, where, (), at)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise CheckpointError(f"{where} has no list of storages.", REMEDY)
    starts = {}
    codes = dict(_codes(tree, where))
    for key in keys:
        count = int.from_bytes(data[at : at + 8], "little")
        size = count * (2 if codes.get(key) == "bf16" else np.dtype(codes.get(key, "|u1")).itemsize)
        if key not in codes or at + 8 + size > len(data) or key in starts:
            raise CheckpointError(f"{where} has a storage {key[:40]!r} that does not fit.", REMEDY)
        starts[key] = (at + 8, size)
        at += 8 + size
    if at != len(data):
        raise CheckpointError(f"{where} has {len(data) - at} bytes too many.", REMEDY)

    def storage(key: Any) -> np.ndarray:
        code, name, count = _storage_key(key, where)
        if name not in starts:
            raise CheckpointError(f"{where} lacks the storage {name!r}.", REMEDY)
        start, size = starts[name]
        values = storage_values(data[start : start + size], code)
        if len(values) != count:
            raise CheckpointError(f"{where} has a storage of another size than it says.", REMEDY)
        return values

    return _reader(where, depth, storage).value(_opened(tree, storage))


def _value(data: bytes, where: str, depth: int, storage: Any) -> Any:
    tree, end = read_pickle(data, where, ALLOWED)
    if end != len(data):
        raise CheckpointError(f"{where} has {len(data) - end} bytes behind its pickle.", REMEDY)
    return _reader(where, depth, storage).value(_opened(tree, storage))


def _reader(where: str, depth: int, storage: Any) -> Reader:
    return Reader(where, storage, lambda inner: read_torch(inner, where, depth + 1))


def _opened(tree: Any, storage: Any) -> Any:
    """A file may hold a bare storage: that is what tensors inside NVIDIA's pickles are."""
    from engine.checkpoints.inert_pickle import Persistent

    return storage(tree.key) if isinstance(tree, Persistent) else tree


def _storage_key(key: Any, where: str) -> tuple[str, str, int]:
    """Type, name and length that a reference to a storage tells."""
    if isinstance(key, tuple) and len(key) >= 5 and key[0] == "storage":
        code, name, count = storage_type(key[1]), key[2], key[4]
        view = key[5] if len(key) > 5 else None
        if code and isinstance(name, str) and type(count) is int and count >= 0 and view is None:
            return code, name, count
    raise CheckpointError(f"{where} refers to a storage that is none.", REMEDY)


def _codes(tree: Any, where: str) -> list[tuple[str, str]]:
    """Name and type of every storage that the pickle refers to."""
    from engine.checkpoints.inert_pickle import Call, Persistent

    found: list[tuple[str, str]] = []
    seen: set[int] = set()
    left = [tree]
    while left:
        item = left.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Persistent):
            code, name, _ = _storage_key(item.key, where)
            found.append((name, code))
        elif isinstance(item, Call):
            left += [*item.arguments, *item.items.values(), item.state]
        elif isinstance(item, dict):
            left += item.values()
        elif isinstance(item, list | tuple):
            left += item
    return found
