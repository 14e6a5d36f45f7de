"""Reads a .zip strictly: stored entries that fill the file from end to end, each told twice alike.

Format: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.9 (data descriptor), 4.3.12
(central directory), 4.3.14 to 4.3.16 (end records). Readers of .zip files disagree about doubled
names, hidden gaps and headers that contradict each other; so none of these is allowed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from engine.checkpoints.refusal import DAMAGED, UNSAFE, refuse, shown

MAX_ENTRIES = 100_000
MAX_NAME = 512
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_DESCRIPTOR_FLAG, _UTF8_FLAG = 0x0008, 0x0800
_FULL = 0xFFFFFFFF
_ZIP64 = 1
_REMEDY = "Save it again with torch.save, or as a .safetensors file."


@dataclass(frozen=True)
class Entry:
    """One file in the archive. data: its bytes, a view; crc: what the archive says of them."""

    name: str
    data: memoryview
    crc: int


@dataclass(frozen=True)
class Listed:
    """One line of the archive's list. at: where its local header begins."""

    name: str
    flags: int
    method: int
    crc: int
    size: int
    at: int


def list_entries(data: memoryview) -> list[Listed]:
    """What the archive's list names, each name plain and once. Raises Refusal."""
    count, at, end = _directory(data)
    listed = []
    for _ in range(count):
        entry, at = _listed(data, at, end)
        listed.append(entry)
    if at != end:
        refuse("its list of entries is of another length than it says")
    seen: set[str] = set()
    for entry in listed:
        if entry.name.lower() in seen:
            refuse(f"it holds {shown(entry.name)} twice", UNSAFE)
        seen.add(entry.name.lower())
    return listed


def open_entries(data: memoryview, listed: list[Listed]) -> dict[str, Entry]:
    """The listed entries by their names. Raises Refusal.

    The checksums are told twice alike, but not yet compared with the bytes.
    """
    entries = {}
    at, end = 0, _directory(data)[1]
    for one in sorted(listed, key=lambda entry: entry.at):
        if one.flags & ~(_DESCRIPTOR_FLAG | _UTF8_FLAG):
            refuse(f"{shown(one.name)} is encrypted or has flags that torch never sets", UNSAFE)
        if one.method != 0:
            refuse(f"{shown(one.name)} is compressed; a checkpoint's entries are stored", _REMEDY)
        inside, at = _local(data, one, at, end)
        entries[one.name] = Entry(one.name, inside, one.crc)
    if at != end:
        refuse("it holds bytes that belong to no entry", UNSAFE)
    return entries


def _unpack(form: struct.Struct, data: memoryview, at: int, mark: bytes) -> tuple[int, ...]:
    if at < 0 or at + form.size > len(data):
        refuse("it ends within a header; it may be cut off")
    first, *rest = form.unpack_from(data, at)
    if first != mark:
        refuse("a header of its archive is not where it belongs; it may be cut off")
    return tuple(rest)


def _directory(data: memoryview) -> tuple[int, int, int]:
    """How many entries there are, and where their list begins and ends."""
    at = len(data) - _END.size
    disk, first_disk, here, count, size, start, comment = _unpack(_END, data, at, b"PK\5\6")
    if (disk, first_disk, comment) != (0, 0, 0) or here != count:
        refuse("its archive is split over several files or carries a comment", _REMEDY)
    locator = at - _LOCATOR.size
    if locator >= 0 and bytes(data[locator : locator + 4]) == b"PK\6\7":
        where, at = _unpack(_LOCATOR, data, locator, b"PK\6\7")[1], locator
        told = _unpack(_END64, data, where, b"PK\6\6")
        if where + _END64.size != locator or told[0] != _END64.size - 12:
            refuse("the end of its archive is not where it says")
        wide = told[6:]
        narrow = ((count, 0xFFFF), (size, _FULL), (start, _FULL))
        if told[3:5] != (0, 0) or told[5] != wide[0]:
            refuse("its archive is split over several files", _REMEDY)
        if any(a not in (b, full) for (a, full), b in zip(narrow, wide, strict=True)):
            refuse("the two ends of its archive contradict each other", UNSAFE)
        count, size, start, at = *wide, where
    if count > MAX_ENTRIES or start + size != at:
        refuse("its list of entries does not fit in the file")
    return count, start, at


def _listed(data: memoryview, at: int, end: int) -> tuple[Listed, int]:
    fields = _unpack(_CENTRAL, data, at, b"PK\1\2")
    _, _, flags, method, _, _, crc, packed, size, named, extra, comment = fields[:12]
    disk, _, _, where = fields[12:]
    body = at + _CENTRAL.size
    after = body + named + extra + comment
    if after > end:
        refuse("its list of entries is cut off")
    name = _plain_name(bytes(data[body : body + named]))
    wide = _wide_sizes(data[body + named : body + named + extra])
    given = [packed, size, where]
    for index, value in enumerate(given):
        if value == _FULL:
            if not wide:
                refuse("an entry's size is missing")
            given[index] = wide.pop(0)
    if wide or comment or disk or (method == 0 and given[0] != given[1]):
        refuse(f"{shown(name)} is described in a way that torch never writes", UNSAFE)
    return Listed(name, flags, method, crc, given[1], given[2]), after


def _wide_sizes(extra: memoryview) -> list[int]:
    """The 64-bit sizes among an entry's extra fields."""
    at = 0
    sizes: list[int] = []
    while at < len(extra):
        if at + 4 > len(extra):
            refuse("an entry's extra field is cut off")
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4 + length
        if at > len(extra):
            refuse("an entry's extra field is cut off")
        if kind == _ZIP64:
            if sizes or length % 8 or length > 24:
                refuse("an entry's sizes are told in an unknown way")
            sizes = list(struct.unpack_from(f"<{length // 8}Q", extra, at - length))
    return sizes


def _local(data: memoryview, entry: Listed, at: int, end: int) -> tuple[memoryview, int]:
    """The entry's bytes, and where the next entry begins."""
    if entry.at != at:
        refuse("its entries overlap or leave gaps", UNSAFE)
    fields = _unpack(_LOCAL, data, at, b"PK\3\4")
    _, flags, method, _, _, crc, packed, size, named, extra = fields
    body = at + _LOCAL.size
    start = body + named + extra
    after = start + entry.size
    later = bool(flags & _DESCRIPTOR_FLAG)
    absent = (0, _FULL) if later else (_FULL,)
    if after > end:
        refuse(f"{shown(entry.name)} is longer than the file")
    if (
        bytes(data[body : body + named]) != entry.name.encode()
        or (flags, method) != (entry.flags, 0)
        or crc not in ((entry.crc, 0) if later else (entry.crc,))
        or any(value not in (entry.size, *absent) for value in (packed, size))
    ):
        refuse(f"{shown(entry.name)} is described in two ways", UNSAFE)
    wide = _wide_sizes(data[body + named : start])
    if any(value not in (entry.size, entry.at, 0) for value in wide):
        refuse(f"{shown(entry.name)} is described in two ways", UNSAFE)
    return data[start:after], _after_descriptor(data, entry, after, end) if later else after


def _after_descriptor(data: memoryview, entry: Listed, at: int, end: int) -> int:
    for form in ("<4sI2I", "<4sI2Q"):
        told = struct.Struct(form)
        if at + told.size <= end and told.unpack_from(data, at) == (
            b"PK\7\x08",
            entry.crc,
            entry.size,
            entry.size,
        ):
            return at + told.size
    refuse(f"{shown(entry.name)} is not followed by its checksum", DAMAGED)


def _plain_name(name: bytes) -> str:
    """A name that stays inside the archive wherever it is unpacked. Raises Refusal."""
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        refuse("an entry's name is not UTF-8", UNSAFE)
    parts = text.split("/")
    if not text.isprintable() or len(text) > MAX_NAME or any(c in text for c in '\\:*?"<>|'):
        refuse(f"an entry has the name {shown(text)!r}, which is not plain", UNSAFE)
    if any(part in ("", ".", "..") for part in parts):
        refuse(f"an entry has the name {shown(text)!r}, which leads elsewhere", UNSAFE)
    return text
