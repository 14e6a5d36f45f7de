"""The ledger's own key, Ed25519, and the signed head that is kept outside the database.

The key lies beside the ledger, readable by its owner alone, and sealed under a key in the keyring
where there is one. Where there is none it lies bare, because rows are also written where nobody can
be asked for a passphrase: it then shows changes by others and by accident, while whoever may read
the owner's files could forge a ledger, but not the signatures in pictures.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from engine.errors import LedgerError
from engine.provenance.key_file import readable_by_others
from engine.provenance.sealed_seed import is_sealed, seal, unseal
from engine.provenance.vault import Vault

_ROW, _HEAD = b"latent-atelier ledger row 2\x00", b"latent-atelier ledger head 2\x00"
_SEED = 32


class LedgerKey:
    """Signs rows and heads. Raises LedgerError where the key cannot be read or made."""

    def __init__(self, path: Path, vault: Vault | None = None) -> None:
        self._path = path
        seed = self._opened(self._read() or self._make(vault), vault)
        if len(seed) != _SEED:
            raise self._damaged()
        self._private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        return self._public.public_bytes(*raw)

    def sign(self, digest: bytes) -> bytes:
        """The signature of a row by its hash."""
        return self._private.sign(_ROW + digest)

    def holds(self, digest: bytes, signature: bytes) -> bool:
        """Whether this key has signed the row of that hash."""
        return self._verified(_ROW + digest, signature)

    def sign_head(self, count: int, digest: bytes) -> bytes:
        """The signature of a head."""
        return self._private.sign(_HEAD + count.to_bytes(8, "big") + digest)

    def holds_head(self, count: int, digest: bytes, signature: bytes) -> bool:
        """Whether this key has signed that head."""
        return self._verified(_HEAD + count.to_bytes(8, "big") + digest, signature)

    def _verified(self, data: bytes, signature: bytes) -> bool:
        try:
            self._public.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def _read(self) -> bytes:
        try:
            data = self._path.read_bytes()
            loose = readable_by_others(self._path)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise self._told(error) from error
        if loose:
            raise LedgerError(
                f"The ledger's key {self._path} can be read by other users.",
                f"Run: chmod 600 '{self._path}'",
            )
        return data

    def _opened(self, data: bytes, vault: Vault | None) -> bytes:
        """The seed. A bare one is sealed as soon as there is a keyring."""
        if not is_sealed(data):
            sealed = seal(data, vault) if vault is not None and len(data) == _SEED else None
            if sealed is not None:
                self._write(sealed, replace=True)
            return data
        try:
            seed = None if vault is None else unseal(data, vault)
        except ValueError as error:
            raise self._damaged() from error
        if seed is None:
            raise LedgerError(
                "The ledger's key is sealed, and the keyring that opens it cannot be used.",
                "Unlock the keyring of this computer and try again.",
            )
        return seed

    def _damaged(self) -> LedgerError:
        return LedgerError(
            f"The ledger's key {self._path} is damaged.",
            "Move it and the ledger away to begin anew.",
        )

    def _make(self, vault: Vault | None) -> bytes:
        """A new key; where another process makes one at the same time, the first one counts."""
        seed = secrets.token_bytes(_SEED)
        self._write((seal(seed, vault) if vault is not None else None) or seed, replace=False)
        return self._read()

    def _write(self, data: bytes, *, replace: bool) -> None:
        number = f"{os.getpid()}-{secrets.randbits(32)}"
        fresh = self._path.with_name(f".{self._path.name}.{number}.atelier-tmp")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                os.replace(fresh, self._path)
            else:
                with suppress(FileExistsError):
                    os.link(fresh, self._path)
        except OSError as error:
            raise self._told(error) from error
        finally:
            fresh.unlink(missing_ok=True)

    def _told(self, error: OSError) -> LedgerError:
        return LedgerError(
            f"Cannot use the ledger's key {self._path}: {error.strerror}.",
            "Check the folder's permissions and the space on the disk.",
        )


@dataclass(frozen=True)
class Head:
    """How many entries the ledger had, and the hash of the last one."""

    count: int
    digest: bytes


def read_head(path: Path, key: LedgerKey) -> Head | None:
    """The head, None where there is none. Raises ValueError where it is not of this key."""
    try:
        data = json.loads(path.read_bytes())
        count, digest = int(data["count"]), bytes.fromhex(data["hash"])
        signature = bytes.fromhex(data["signature"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError("it cannot be read") from error
    if not 0 <= count < 1 << 63 or not key.holds_head(count, digest, signature):
        raise ValueError("its signature does not hold")
    return Head(count, digest)


def write_head(path: Path, key: LedgerKey, head: Head) -> None:
    """Put the head in place whole. Raises OSError."""
    told = {
        "version": 2,
        "count": head.count,
        "hash": head.digest.hex(),
        "signature": key.sign_head(head.count, head.digest).hex(),
    }
    # A name of the store's pattern: what a crash leaves of it is swept up at the next start.
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{secrets.randbits(32)}.atelier-tmp")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(json.dumps(told).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise
