"""The signing identity of this installation: made at the first export, unlocked when needed.

The private key lies encrypted on disk. Its passphrase comes, in this order, from a file named for
this one call, from the OS keyring, or from whoever sits at the terminal or the window. Where none
of these is at hand, an identity for this process alone signs, and says so.
"""

from __future__ import annotations

import datetime as dt
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from engine.errors import IdentityError
from engine.frame import IdentityStatus
from engine.provenance.certificates import Chain, make_chain
from engine.provenance.identity_folder import IdentityFolder, Kept, Storage
from engine.provenance.key_file import readable_by_others
from engine.provenance.vault import Vault, system_vault

Ask = Callable[[], str | None]
"""Asks for the passphrase; None where nobody can be asked. May raise Cancelled."""

LOCKED = (
    "Signed by an identity for this process alone: the signing key of this installation is locked, "
    "and its passphrase cannot be had here."
)
THROWAWAY = (
    "Signed by an identity for this process alone, for want of a keyring or a passphrase. Give "
    "--passphrase-file FILE, or run where a passphrase can be asked for, to sign as this "
    "installation."
)


@dataclass(frozen=True)
class Unlocked:
    """An identity ready to sign. `sign` maps bytes to an ES256 signature, r || s, 64 bytes."""

    chain: Chain
    storage: Literal["keyring", "passphrase", "throwaway"]
    sign: Callable[[bytes], bytes] = field(repr=False)
    notice: str = ""


class Identity:
    """The signing identity in HOME/identity. Safe to use from several threads."""

    def __init__(
        self,
        home: Path,
        ask: Ask | None = None,
        vault: Callable[[], Vault | None] = system_vault,
    ) -> None:
        self._folder = IdentityFolder(home / "identity")
        self._ask: Ask = ask or (lambda: None)
        self._vault = vault
        self._open: Unlocked | None = None
        self._lock = threading.Lock()

    def status(self) -> IdentityStatus:
        """Whether exports are signed, and by whom; asks for nothing and unlocks nothing."""
        if self._open is not None and self._open.storage == "throwaway":
            return _status(self._open.chain, "throwaway", self._open.notice)
        kept = self._folder.current()
        if kept is None:
            text = "The first export makes a signing identity for this installation."
            return IdentityStatus(False, "", "", "", "none", text)
        text = (
            "Exports are signed by this installation. Programs elsewhere call such a signature "
            "valid, with a signer that is not on their trust list."
        )
        return _status(kept.chain, kept.storage, text)

    def own_roots(self) -> str:
        """PEM of every root that is this installation's own, the one of this process included."""
        mine = self._open.chain.root_pem if self._open is not None else ""
        roots = self._folder.roots_pem()
        return roots if mine in roots else roots + mine

    def unlock(
        self, passphrase_file: Path | None = None, now: dt.datetime | None = None
    ) -> Unlocked:
        """The identity, ready to sign; made where there is none yet. Raises IdentityError."""
        moment = now or dt.datetime.now(dt.UTC)
        with self._lock:
            again = self._open is None or (
                self._open.storage == "throwaway" and passphrase_file is not None
            )
            if again:
                self._open = self._unlock(passphrase_file, moment)
            assert self._open is not None
            _check_dates(self._open.chain, moment)
            return self._open

    def renew(
        self, passphrase_file: Path | None = None, now: dt.datetime | None = None
    ) -> Unlocked:
        """Replace key and certificates by new ones. What was signed before stays known as own.

        A passphrase must still open the old key, so that a slip of the finger locks nobody out.
        """
        moment = now or dt.datetime.now(dt.UTC)
        with self._lock:
            kept = self._folder.current()
            if kept is None:
                self._open = self._create(passphrase_file, moment)
                return self._open
            passphrase = self._passphrase_of(kept, passphrase_file)
            if passphrase is None:
                raise IdentityError(
                    "The signing identity is locked and cannot be renewed here.",
                    "Renew it where its passphrase can be had.",
                )
            kept.key(passphrase)
            if kept.storage == "keyring":
                passphrase = secrets.token_urlsafe(32)
            self._open = self._keep_new(kept.storage, passphrase, moment)
            kept.drop_key()
            if kept.storage == "keyring":
                self._vault_now().forget(kept.name)
            return self._open

    def _unlock(self, passphrase_file: Path | None, now: dt.datetime) -> Unlocked:
        kept = self._folder.current()
        if kept is None:
            return self._create(passphrase_file, now)
        passphrase = self._passphrase_of(kept, passphrase_file)
        if passphrase is None:
            return _throwaway(now, LOCKED)
        key = kept.key(passphrase)
        return Unlocked(kept.chain, kept.storage, _signing(key), _loose(passphrase_file))

    def _create(self, passphrase_file: Path | None, now: dt.datetime) -> Unlocked:
        if passphrase_file is not None:
            made = self._keep_new("passphrase", _read_passphrase(passphrase_file), now)
            return replace(made, notice=_loose(passphrase_file))
        if self._vault() is not None:
            try:
                return self._keep_new("keyring", secrets.token_urlsafe(32), now)
            except _KeyringFailed:
                pass
        passphrase = self._ask()
        if passphrase is None:
            return _throwaway(now, THROWAWAY)
        if not passphrase:
            raise IdentityError("The passphrase is empty.", "Choose one of at least one character.")
        if self._ask() != passphrase:
            raise IdentityError("The two passphrases differ.", "Give the same one twice.")
        return self._keep_new("passphrase", passphrase, now)

    def _keep_new(self, storage: Storage, passphrase: str, now: dt.datetime) -> Unlocked:
        name = self._folder.new_name()
        if storage == "keyring" and not self._vault_now().save(name, passphrase):
            raise _KeyringFailed
        key, chain = make_chain(f"Installation {name[:8]}", now)
        self._folder.add(name, key, chain, storage, passphrase)
        return Unlocked(chain, storage, _signing(key))

    def _passphrase_of(self, kept: Kept, passphrase_file: Path | None) -> str | None:
        if kept.storage == "keyring":
            vault = self._vault()
            return None if vault is None else vault.load(kept.name)
        if passphrase_file is not None:
            return _read_passphrase(passphrase_file)
        return self._ask()

    def _vault_now(self) -> Vault:
        vault = self._vault()
        if vault is None:
            raise _KeyringFailed
        return vault


class _KeyringFailed(IdentityError):
    def __init__(self) -> None:
        super().__init__("The keyring of this computer cannot be used.", "Unlock it and try again.")


def _throwaway(now: dt.datetime, notice: str) -> Unlocked:
    key, chain = make_chain(f"This process alone {secrets.token_hex(4)}", now)
    return Unlocked(chain, "throwaway", _signing(key), notice)


def _signing(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    """The only way to the key: a function that signs (ECDSA, SHA-256; RFC 7518's r || s)."""

    def sign(data: bytes) -> bytes:
        try:
            r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # The signing library logs what a callback raises: say nothing of key or data.
            raise IdentityError("The signature could not be made.") from None
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def _check_dates(chain: Chain, now: dt.datetime) -> None:
    leaf = chain.leaf
    if now > leaf.not_valid_after_utc:
        raise IdentityError(
            f"The signing certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}.",
            "Renew the signing identity; pictures signed before stay known as yours.",
        )
    if now < leaf.not_valid_before_utc:
        raise IdentityError(
            f"The signing certificate is valid from {leaf.not_valid_before_utc:%Y-%m-%d} on.",
            "Check the clock of this computer.",
        )


def _status(
    chain: Chain, storage: Literal["keyring", "passphrase", "throwaway"], text: str
) -> IdentityStatus:
    expires = chain.leaf.not_valid_after_utc.strftime("%Y-%m-%d")
    return IdentityStatus(True, chain.name, chain.fingerprint, expires, storage, text)


def _read_passphrase(path: Path) -> str:
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


def _loose(passphrase_file: Path | None) -> str:
    if passphrase_file is None or not readable_by_others(passphrase_file):
        return ""
    return f"Other users can read the passphrase file. Run: chmod 600 '{passphrase_file}'"
