"""The private key on disk: PKCS#8, encrypted, for its owner's eyes alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from engine.errors import IdentityError
from engine.provenance.signing_key import PrivateKey

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_UNIX = os.name != "nt"


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file that did not exist before, and wait until it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_key(path: Path, key: PrivateKey, passphrase: str, salt: bytes) -> None:
    """Write the key, encrypted under the stretched passphrase, with mode 0600."""
    sealed = serialization.BestAvailableEncryption(_stretch(passphrase, salt))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
    write_new(path, pem)


def read_key(path: Path, passphrase: str, salt: bytes) -> PrivateKey:
    """Read the key. Raises IdentityError, which never carries anything secret."""
    data = _read_private(path)
    try:
        key = serialization.load_pem_private_key(data, _stretch(passphrase, salt))
    except (ValueError, TypeError):
        raise IdentityError(
            "The passphrase does not open the signing key.",
            "Try again; without the passphrase, move the identity folder away to make a new one.",
        ) from None
    if not isinstance(key, PrivateKey):
        raise IdentityError("The signing key is of another kind than this program makes.")
    return key


def readable_by_others(path: Path) -> bool:
    """Whether group or others may do anything with the file (always False on Windows)."""
    return _UNIX and bool(path.stat().st_mode & _OTHERS)


def _read_private(path: Path) -> bytes:
    try:
        if readable_by_others(path):
            raise IdentityError(
                f"The signing key {path} can be read by other users.",
                f"Run: chmod 600 '{path}'",
            )
        return path.read_bytes()
    except OSError as error:
        raise IdentityError(
            f"Cannot read the signing key {path}: {error.strerror}.",
            "Check the folder, or move it away to make a new identity.",
        ) from error


def _stretch(passphrase: str, salt: bytes) -> bytes:
    """scrypt (RFC 7914; 32 MiB, about 0.1 s), since PKCS#8 alone is quick to guess against."""
    made = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode("utf-8"))
    return made.hex().encode("ascii")
