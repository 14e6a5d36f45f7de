"""Content-addressed files: vectors, photos and masks, each named by the SHA-256 of its bytes.

An item never changes and is never half there: it is written beside its place, flushed to the disk
and renamed. Reading checks the digest, so that a damaged disk is told and never rendered.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import itertools
import math
import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine.errors import StoreError

_SHA256 = re.compile("[0-9a-f]{64}")
_TEMPORARY = re.compile(r"\..+\.(\d+)-\d+\.atelier-tmp")
_HEADER = re.compile(
    rb"\{'descr': '(?P<descr>\|b1|[|<>][iu]1|[<>](?:[iu][248]|f[248]))', "
    rb"'fortran_order': (?P<order>True|False), "
    rb"'shape': \((?P<shape>|\d{1,18},|\d{1,18}(?:, \d{1,18})+,?)\), \} *\n"
)
_ABANDONED_S = 24 * 3600
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_counter = itertools.count()


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` when the block ends well, and never else.

    The bytes go to a temporary file in the same folder, are flushed to the disk and renamed; the
    folder is flushed too. After an error in the block nothing is left. mode: permission bits of
    the new file before the umask. Raises OSError.
    """
    temporary = path.with_name(f".{path.name[:80]}.{os.getpid()}-{next(_counter)}.atelier-tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(temporary, flags, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut, where the system has a way to."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> int:
    """Remove what writers that are gone left in the folder; returns how many files.

    A temporary file of a running process stays, unless it is a day old: that number may since
    have been given to somebody else.
    """
    removed = 0
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            match = _TEMPORARY.fullmatch(entry.name)
            if match is None:
                continue
            with contextlib.suppress(OSError):
                old = time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED_S
                if old or not process_runs(int(match[1])):
                    os.unlink(entry.path)
                    removed += 1
    return removed


def process_runs(pid: int) -> bool:
    """Whether a process has that number; where asking could end it, only age decides."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def write_remedy(error: OSError) -> str:
    """What to do when a file could not be written."""
    if error.errno in _FULL:
        return "Free some space on that disk and try again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Make that folder writable, or choose another one."
    return "Check that folder, or choose another one."


class Store:
    """A content-addressed folder: root/ab/cd/abcd..., written by one method and checked on reading.

    root: the folder of this installation; made at the first put. fallbacks: folders with the same
    layout that are only read, such as the bundled resources. Safe to use from several threads and
    processes at once.
    """

    def __init__(self, root: Path, fallbacks: Sequence[Path] = ()) -> None:
        self.root = root
        self.fallbacks = tuple(fallbacks)
        self._sweep()

    def put(self, data: bytes) -> str:
        """Keep the bytes; returns their SHA-256. Raises StoreError when the disk refuses."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = _place(self.root, sha256)
        try:
            if path.is_file() and path.read_bytes() == data:
                return sha256
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path, 0o600) as file:
                file.write(data)
        except OSError as error:
            raise StoreError(
                f"The store at {self.root} cannot keep {sha256}: {error.strerror or error}.",
                write_remedy(error),
            ) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes of that name. Raises StoreError when they are missing or damaged."""
        damaged: Path | None = None
        for folder in (self.root, *self.fallbacks):
            path = _place(folder, sha256)
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(
                    f"The store cannot read {sha256}: {error.strerror or error}.",
                    f"Check the file {path}.",
                ) from error
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
            damaged = path
        if damaged is not None:
            raise StoreError(
                f"The stored item {sha256} is damaged: its bytes have another SHA-256.",
                f"Delete {damaged} and bring the photo, model or project in again.",
            )
        raise StoreError(
            f"The stored item {sha256} is missing.",
            "Open the project or import the model or photo that it belongs to.",
        )

    def __contains__(self, sha256: str) -> bool:
        """Whether an item of that name is there; its bytes are not checked."""
        return any(_place(folder, sha256).is_file() for folder in (self.root, *self.fallbacks))

    def put_array(self, array: np.ndarray[Any, Any]) -> str:
        """Keep an array of numbers as canonical .npy (little-endian, C order)."""
        return self.put(npy_bytes(array))

    def get_array(self, sha256: str) -> np.ndarray[Any, Any]:
        """The array of that name, read-only. Raises StoreError when it is not an array."""
        try:
            return array_of(self.get(sha256))
        except ValueError as error:
            raise StoreError(
                f"The stored item {sha256} is not an array of numbers: {str(error)[:120]}.",
                "Use a vector that this program stored.",
            ) from error

    def _sweep(self) -> None:
        """Remove what a crash left half written."""
        for outer in _folders(self.root):
            for inner in _folders(outer):
                sweep(inner)


def npy_bytes(array: np.ndarray[Any, Any]) -> bytes:
    """The one .npy form (version 1.0) of an array of numbers: little-endian, C order.

    Raises StoreError for arrays that hold anything but numbers.
    """
    if array.dtype.kind not in "biuf":
        raise StoreError(f"The store keeps arrays of numbers, got dtype {array.dtype}.")
    plain = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    out = io.BytesIO()
    np.lib.format.write_array(out, plain, version=(1, 0), allow_pickle=False)
    return out.getvalue()


def array_of(data: bytes) -> np.ndarray[Any, Any]:
    """Read .npy bytes of numbers into a read-only array without trusting the header.

    numpy.load would evaluate the header as Python and first allocate what it declares; here it is
    matched against the one form, and the declared size must be the size that is there.
    Raises ValueError.
    """
    if data[:8] != b"\x93NUMPY\x01\x00":
        raise ValueError("it does not begin as .npy of version 1.0")
    start = 10 + int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10:start])
    if header is None:
        raise ValueError("its header does not describe numbers")
    dtype = np.dtype(header["descr"].decode())
    shape = tuple(int(side) for side in header["shape"].replace(b",", b" ").split())
    body = memoryview(data)[start:]
    if len(shape) > 32 or math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError(f"its header does not fit the {len(body)} bytes that follow")
    flat = np.frombuffer(body, dtype=dtype)
    return flat.reshape(shape, order="F" if header["order"] == b"True" else "C")


def _place(folder: Path, sha256: str) -> Path:
    if not _SHA256.fullmatch(sha256):
        raise StoreError(
            f"A stored item is named by its SHA-256 in lower-case hex, got {sha256[:80]!r}."
        )
    return folder / sha256[:2] / sha256[2:4] / sha256


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
