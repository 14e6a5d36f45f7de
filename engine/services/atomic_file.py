"""A file appears whole at its path, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from engine.errors import ExportError


def check_target(path: Path) -> None:
    """Refuse, before any work, a path at which no file can appear. Raises ExportError."""
    folder = path.parent
    if not folder.is_dir():
        raise ExportError(
            f"There is no folder {folder}.", "Make it first, or choose another folder."
        )
    if path.is_dir():
        raise ExportError(f"{path} is a folder.", "Give the name of a file.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ExportError(f"Cannot write to the folder {folder}.", "Choose another folder.")


def write_temporary(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on the disk. Raises ExportError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise told(path.parent, error) from error


def put_in_place(temporary: Path, path: Path) -> None:
    """Give the temporary file its name, and wait until the folder says so on the disk."""
    try:
        os.replace(temporary, path)
    except OSError as error:
        raise told(path.parent, error) from error
    _sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a temporary file where there is one; one that stays is swept at the next start."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def told(folder: Path, error: OSError) -> ExportError:
    """What the system's error means for somebody who wanted to keep a picture."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ExportError(
            f"The disk is full: the picture could not be written to {folder}.",
            "Free some space, or choose another folder.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ExportError(f"Cannot write to the folder {folder}.", "Choose another folder.")
    return ExportError(
        f"The picture could not be written to {folder}: {error.strerror or error}.",
        "Choose another folder or name.",
    )


def _sync_folder(folder: Path) -> None:
    """The file is whole already; a folder that cannot be synchronised (Windows) is no failure."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)
