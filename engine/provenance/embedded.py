"""Where a picture file keeps its manifest store: the raw JUMBF bytes, found without the library.

C2PA specification 2.2, appendix A: PNG chunk caBX, JPEG APP11, RIFF chunk C2PA, TIFF tag 52545,
and a uuid box in files of the ISO base media format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from engine.errors import ImageError
from engine.image.formats import AVIF, GIF, JPEG, MP4, PNG, TIFF, WEBM, WEBP, PictureFormat
from engine.image.png_chunks import chunks

_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_TAG = 52545
_MOST_ENTRIES = 65_535


def manifest_store(data: bytes, kind: PictureFormat) -> bytes | None:
    """The manifest store, or None where there is none or the file is too broken to have one."""
    find = {
        PNG: _png, JPEG: _jpeg, WEBP: _riff, TIFF: _tiff, AVIF: _bmff, MP4: _bmff, GIF: _gif,
        WEBM: _nowhere,
    }[kind]  # fmt: skip
    try:
        return find(data)
    except (struct.error, IndexError, ValueError, OverflowError, ImageError):
        return None


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, beginning and end of the content of every box (ISO/IEC 14496-12, 4.2)."""
    at = start
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise ValueError("a box that does not fit")
        yield kind, at + head, at + size
        at += size


def _png(data: bytes) -> bytes | None:
    return next((bytes(body) for kind, body in chunks(data) if kind == b"caBX"), None)


def _jpeg(data: bytes) -> bytes | None:
    """JUMBF in APP11 (ISO/IEC 19566-5, annex D): pieces, each with the box header again."""
    pieces: dict[int, list[bytes]] = {}
    at = 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:  # a byte to fill up with
            at += 1
            continue
        (size,) = struct.unpack_from(">H", data, at + 2)
        segment = data[at + 4 : at + 2 + size]
        if data[at + 1] == 0xEB and segment[:2] == b"JP":
            number = int.from_bytes(segment[2:4], "big")
            known = pieces.setdefault(number, [])
            known.append(segment[16:] if known else segment[8:])
        at += 2 + size
    stores = (b"".join(parts) for parts in pieces.values())
    return next((store for store in stores if b"c2pa" in store[:64]), None)


def _riff(data: bytes) -> bytes | None:
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind == b"C2PA":
            return data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return None


def _tiff(data: bytes) -> bytes | None:
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    big = version == 43
    offset, count, entry = ("Q", "Q", "HHQQ") if big else ("I", "H", "HHII")
    (at,) = struct.unpack_from(order + offset, data, 8 if big else 4)
    (entries,) = struct.unpack_from(order + count, data, at)
    at += struct.calcsize(order + count)
    for _ in range(min(entries, _MOST_ENTRIES)):
        tag, _, size, where = struct.unpack_from(order + entry, data, at)
        if tag == _TAG:
            return data[where : where + size]
        at += struct.calcsize(order + entry)
    return None


def _bmff(data: bytes) -> bytes | None:
    for kind, start, end in boxes(data, 0, len(data)):
        if kind == b"uuid" and data[start : start + 16] == _UUID:
            purpose = data.index(b"\x00", start + 20)
            if data[start + 20 : purpose] == b"manifest":
                if any(data[start + 16 : start + 20]) or any(data[purpose + 1 : purpose + 9]):
                    raise ValueError("an offset where a picture has none")
                return data[purpose + 9 : end]
    return None


def _gif(data: bytes) -> bytes | None:
    """An application extension C2PA_GIF (GIF89a, 26): its sub-blocks one after the other."""
    flags = data[10]
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    while data[at] == 0x21:
        found = data[at + 1] == 0xFF and data[at + 3 : at + 11] == b"C2PA_GIF"
        at += 2
        parts = []
        while size := data[at]:
            parts.append(data[at + 1 : at + 1 + size])
            at += 1 + size
        at += 1
        if found:
            return b"".join(parts[1:])
    return None


def _nowhere(data: bytes) -> bytes | None:
    """A format that holds no manifest store: it lies beside the file."""
    return None
