"""The identities that this installation has had, on disk.

`identity/NAME/` holds about.json, chain.pem, root.pem and, for the one in use, key.pem;
`identity/current` says which is in use. Every root found here is this installation's own: its
authority keys were thrown away when it was made, so nobody else can have signed under it. A
certificate that the user brought has no root.pem: others sign under its root, so it is known by
itself alone.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import IdentityError
from engine.provenance.certificates import Chain
from engine.provenance.key_file import read_key, write_key, write_new
from engine.provenance.signing_key import PrivateKey

Storage = Literal["keyring", "passphrase"]


@dataclass(frozen=True)
class Kept:
    """One identity on disk."""

    folder: Path
    chain: Chain
    storage: Storage
    salt: bytes

    @property
    def name(self) -> str:
        """The folder's name; also the name of the passphrase in the keyring."""
        return self.folder.name

    def key(self, passphrase: str) -> PrivateKey:
        """The private key. Raises IdentityError."""
        return read_key(self.folder / "key.pem", passphrase, self.salt)

    def drop_key(self) -> None:
        """Remove the private key of an identity that is no longer in use."""
        (self.folder / "key.pem").unlink(missing_ok=True)


class IdentityFolder:
    """Reads and writes `identity/`. Raises IdentityError."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def current(self) -> Kept | None:
        """The identity in use, or None before the first export."""
        try:
            name = (self._root / "current").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged() from error
        if not name.isalnum():
            raise self._damaged()
        return self._read(self._root / name)

    def roots_pem(self) -> str:
        """The roots of all identities this installation has had."""
        found = sorted(self._root.glob("*/root.pem"))
        try:
            return "".join(path.read_text(encoding="ascii") for path in found)
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged() from error

    def leaves(self) -> frozenset[str]:
        """SHA-256 (hex) of the certificate of every identity this installation has had."""
        found = self._root.glob("*/chain.pem")
        try:
            return frozenset(
                Chain(path.read_text(encoding="ascii"), "").fingerprint for path in found
            )
        except (OSError, ValueError) as error:
            raise self._damaged() from error

    def new_name(self) -> str:
        """A name that no identity here has."""
        return secrets.token_hex(8)

    def add(
        self,
        name: str,
        key: PrivateKey,
        chain: Chain,
        storage: Storage,
        passphrase: str,
    ) -> Kept:
        """Keep a new identity and put it in use. A failure leaves the one before it in use."""
        salt = secrets.token_bytes(16)
        kind = "local" if chain.root_pem else "certificate"
        about = {"version": 1, "storage": storage, "salt": salt.hex(), "kind": kind}
        folder = self._root / name
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
            write_key(folder / "key.pem", key, passphrase, salt)
            write_new(folder / "chain.pem", chain.sent_pem.encode("ascii"), 0o644)
            if chain.root_pem:
                write_new(folder / "root.pem", chain.root_pem.encode("ascii"), 0o644)
            write_new(folder / "about.json", json.dumps(about).encode("ascii"), 0o644)
            pointer = self._root / f"current-{name}"
            write_new(pointer, name.encode("ascii"), 0o644)
            os.replace(pointer, self._root / "current")
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise IdentityError(
                f"Cannot write the signing identity to {self._root}: {error.strerror}.",
                "Check the folder's permissions and the space on the disk.",
            ) from error
        return Kept(folder, chain, storage, salt)

    def _read(self, folder: Path) -> Kept:
        try:
            about = json.loads((folder / "about.json").read_text(encoding="ascii"))
            storage, salt = about["storage"], bytes.fromhex(about["salt"])
            brought = about.get("kind") == "certificate"
            chain = Chain(
                (folder / "chain.pem").read_text(encoding="ascii"),
                "" if brought else (folder / "root.pem").read_text(encoding="ascii"),
            )
            if not chain.name:
                raise ValueError("a certificate without a name")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged() from error
        if storage not in ("keyring", "passphrase") or about.get("version") != 1:
            raise self._damaged()
        return Kept(folder, chain, storage, salt)

    def _damaged(self) -> IdentityError:
        return IdentityError(
            f"The signing identity in {self._root} is damaged.",
            "Move that folder away; the next export makes a new identity.",
        )
