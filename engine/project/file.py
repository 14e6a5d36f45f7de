"""A project as one file: a plain zip with `project.json` and `items/<sha256>`.

Project files come from strangers. So the zip must be of the one form that `save` writes (no flags,
no zip64, no comments, nothing before or behind), every size is held against a limit before memory
is taken, and the store sees nothing until every item has shown its digest.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from engine.errors import ProjectError, StoreError
from engine.project.values import Project
from engine.store import Store, replacing, sweep, write_remedy

MAX_JSON = 64 << 20
MAX_ITEM = 512 << 20
MAX_TOTAL = 2 << 30
MAX_ITEMS = 10_000
CHUNK = 1 << 20

_JSON = "project.json"
_ITEM = re.compile("items/([0-9a-f]{64})")
_LOCAL_HEADER = 30
_END = struct.Struct("<4sHHHHIIH")
_DAMAGED = "Open an earlier copy of the project."
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def save(project: Project, store: Store, path: Path) -> None:
    """Write the project and every stored item that it needs; the old file stays until all is done.

    Equal projects make equal files. Raises ProjectError when an item is missing or the disk
    refuses; then what was at the path before is still there.
    """
    data = project.to_json()
    if Project.from_json(data) != project:
        raise ProjectError("This project would not come back the same; it was not saved.")
    write(data, project.needs(), store, path)


def write(data: bytes, items: frozenset[str], store: Store, path: Path) -> None:
    """Put a finished project.json and the named items into the zip at the path."""
    if len(data) > MAX_JSON or len(items) > MAX_ITEMS:
        raise ProjectError(
            f"A project may have {MAX_JSON >> 20} MiB of Recipes and {MAX_ITEMS} items, "
            f"got {len(data) >> 20} MiB and {len(items)}.",
            "Remove some of its history.",
        )
    try:
        with replacing(path) as file, zipfile.ZipFile(file, "w", allowZip64=False) as archive:
            archive.writestr(_member(_JSON, zipfile.ZIP_DEFLATED), data)
            for sha256 in sorted(items):
                archive.writestr(_member(f"items/{sha256}", zipfile.ZIP_STORED), store.get(sha256))
    except StoreError as error:
        raise ProjectError(f"The project was not saved. {error.what}", error.remedy) from error
    except zipfile.LargeZipFile as error:
        raise ProjectError(
            "The project was not saved: its photos are too large for one file.",
            "Split it into two projects.",
        ) from error
    except OSError as error:
        raise ProjectError(
            f"The project cannot be saved at {path}: {error.strerror or error}.",
            write_remedy(error),
        ) from error
    sweep(path.parent)


def load(path: Path, store: Store) -> Project:
    """Open a project and keep its items in the store, after all of it was checked.

    Raises ProjectError when anything about the file is not as `save` writes it.
    """
    with _opened(path) as archive:
        project = Project.from_json(_read_whole(archive, archive.getinfo(_JSON)))
        items = {info.filename[6:]: info for info in archive.infolist() if info.filename != _JSON}
        _check_items(project.needs(), set(items), store)
        for sha256, info in items.items():
            _check_digest(archive, info, sha256)
        for info in items.values():
            store.put(_read_whole(archive, info))
    return project


def read_recipes(path: Path) -> Project:
    """The project without its items, such as an autosave. Raises ProjectError."""
    with _opened(path) as archive:
        return Project.from_json(_read_whole(archive, archive.getinfo(_JSON)))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with open(path, "rb") as file:
            directory = _check_end(file)
            with zipfile.ZipFile(file) as archive:
                _check_members(archive, directory)
                yield archive
    except FileNotFoundError as error:
        raise ProjectError(f"There is no project at {path}.", "Look for it elsewhere.") from error
    except OSError as error:
        raise ProjectError(
            f"The project at {path} cannot be read: {error.strerror or error}.",
            "Check that it is a file you may read.",
        ) from error
    except _BROKEN as error:
        raise ProjectError(
            f"This project file is damaged: {str(error)[:120]}.", _DAMAGED
        ) from error


def _check_end(file: BinaryIO) -> int:
    """Where the directory begins, from the last 22 bytes; checked before anything is parsed."""
    size = file.seek(0, os.SEEK_END)
    if size < _END.size:
        raise ProjectError(
            f"This is not a project file: it has {size} bytes.", "Choose a file ending in .atelier."
        )
    file.seek(size - _END.size)
    end = _END.unpack(file.read(_END.size))
    magic, disk, first_disk, here, count, length, offset, comment = end
    plain = magic == b"PK\x05\x06" and not (disk or first_disk or comment) and here == count
    if not plain or offset + length + _END.size != size:
        raise ProjectError(
            "This is not a project file, or its end is missing.",
            "Choose a file ending in .atelier.",
        )
    if count > MAX_ITEMS + 1 or length > 200 * (MAX_ITEMS + 1):
        raise ProjectError(f"A project may have {MAX_ITEMS} items, got {count - 1}.", _DAMAGED)
    return int(offset)


def _check_members(archive: zipfile.ZipFile, directory: int) -> None:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(set(names)) != len(names):
        raise ProjectError("This project file holds an entry twice.", _DAMAGED)
    if _JSON not in names:
        raise ProjectError(f"This project file lacks {_JSON}.", _DAMAGED)
    for info in infos:
        _check_member(info)
    total = sum(info.file_size for info in infos)
    if total > MAX_TOTAL:
        raise ProjectError(
            f"A project may unpack to {MAX_TOTAL >> 20} MiB, got {total >> 20} MiB.",
            "Do not open this file unless you trust where it comes from.",
        )
    place = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        if info.header_offset != place:
            break
        place += _LOCAL_HEADER + len(info.filename) + info.compress_size
    if place != directory:
        raise ProjectError("The entries of this project file overlap or leave holes.", _DAMAGED)


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    limit = MAX_JSON if name == _JSON else MAX_ITEM
    if name != _JSON and not _ITEM.fullmatch(name):
        raise ProjectError(f"This project file holds {name[:80]!r}, which has no place.", _DAMAGED)
    if info.flag_bits or info.extra or info.comment:
        raise ProjectError(f"The entry {name} is encrypted or marked in another way.", _DAMAGED)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ProjectError(f"The entry {name} is packed in an unknown way.", _DAMAGED)
    if info.file_size > limit:
        raise ProjectError(
            f"The entry {name} may have {limit >> 20} MiB, got {info.file_size >> 20} MiB.",
            "Do not open this file unless you trust where it comes from.",
        )


def _check_items(needed: frozenset[str], there: set[str], store: Store) -> None:
    strange = sorted(there - needed)
    if strange:
        raise ProjectError(f"No picture of this project uses its item {strange[0]}.", _DAMAGED)
    missing = sorted(sha256 for sha256 in needed - there if sha256 not in store)
    if missing:
        raise ProjectError(
            f"This project lacks the stored item {missing[0]}, which its pictures need.",
            "Save it again where it was made.",
        )


def _check_digest(archive: zipfile.ZipFile, info: zipfile.ZipInfo, sha256: str) -> None:
    digest = hashlib.sha256()
    for chunk in _chunks(archive, info):
        digest.update(chunk)
    if digest.hexdigest() != sha256:
        raise ProjectError(f"The item {sha256} of this project is damaged.", _DAMAGED)


def _read_whole(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    return b"".join(_chunks(archive, info))


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The entry's bytes, never more than it declares, whatever its packed form unfolds to."""
    left = info.file_size
    with archive.open(info) as stream:
        while chunk := stream.read(min(CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ProjectError(f"The entry {info.filename} is longer than it says.", _DAMAGED)
            yield chunk
    if left:
        raise ProjectError(f"The entry {info.filename} is shorter than it says.", _DAMAGED)


def _member(name: str, compression: int) -> zipfile.ZipInfo:
    """An entry with a fixed date, so that equal projects are equal files."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = compression
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info
