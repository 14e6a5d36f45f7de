"""A passphrase read from a file that the user names for one call."""

from __future__ import annotations

from pathlib import Path

from engine.errors import IdentityError
from engine.provenance.key_file import readable_by_others


def read_passphrase(path: Path) -> str:
    """The first line of the file. Raises IdentityError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise IdentityError(
            f"Cannot read the passphrase file {path}.", "Check the path and its permissions."
        ) from error
    if not lines or not lines[0]:
        raise IdentityError(
            f"The passphrase file {path} is empty.", "Write the passphrase in its first line."
        )
    return lines[0]


def loose(path: Path | None) -> str:
    """A warning where others can read the file, else ""."""
    if path is None or not readable_by_others(path):
        return ""
    return f"Other users can read the passphrase file. Run: chmod 600 '{path}'"
