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

from engine.errors import IdentityError, IdentityExpired
from engine.frame import IdentityStatus
from engine.provenance.certificates import Chain, make_chain
from engine.provenance.identity_folder import IdentityFolder, Kept, Storage
from engine.provenance.passphrase_file import loose, read_passphrase
from engine.provenance.signing_key import Algorithm, PrivateKey, Sign, algorithm_of, signing
from engine.provenance.vault import Vault, system_vault

Storing = Literal["keyring", "passphrase", "throwaway", "external"]
Ask = Callable[[], str | None]
"""Asks for the passphrase; None where nobody can be asked. May raise Cancelled."""

LOCAL = (
    "Exports are signed by this installation. Programs elsewhere call such a signature valid, with "
    "a signer that is not on their trust list."
)
BROUGHT = (
    "Exports are signed with your own certificate. Programs elsewhere name its authority as known "
    "only where it is on their trust list."
)
EXTERNAL = "Exports are signed with a key that is kept outside this program."
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
    """An identity ready to sign. `sign` maps bytes to a raw signature of `algorithm`.

    storage "external": the key lives elsewhere, in a token or a keystore, behind `sign`.
    """

    chain: Chain
    storage: Storing
    sign: Sign = field(repr=False)
    notice: str = ""
    algorithm: Algorithm = "es256"


class Identity:
    """The signing identity in HOME/identity. Safe to use from several threads.

    external: signs in its place, with a key that this program never sees.
    """

    def __init__(
        self,
        home: Path,
        ask: Ask | None = None,
        vault: Callable[[], Vault | None] = system_vault,
        external: Unlocked | None = None,
    ) -> None:
        self._external = external
        self._folder = IdentityFolder(home / "identity")
        self._ask: Ask = ask or (lambda: None)
        self._vault = vault
        self._open: Unlocked | None = None
        self._lock = threading.Lock()

    def status(self) -> IdentityStatus:
        """Whether exports are signed, and by whom; asks for nothing and unlocks nothing."""
        if self._external is not None:
            return _status(self._external.chain, "external", EXTERNAL)
        if self._open is not None and self._open.storage == "throwaway":
            return _status(self._open.chain, "throwaway", self._open.notice)
        kept = self._folder.current()
        if kept is None:
            text = "The first export makes a signing identity for this installation."
            return IdentityStatus(False, "", "", "", "none", text)
        return _status(kept.chain, kept.storage, LOCAL if kept.chain.root_pem else BROUGHT)

    def own_roots(self) -> str:
        """PEM of every root that is this installation's own, the one of this process included."""
        mine = self._open.chain.root_pem if self._open is not None else ""
        roots = self._folder.roots_pem()
        return roots if mine in roots else roots + mine

    def own_leaves(self) -> frozenset[str]:
        """SHA-256 of every signing certificate that is this installation's own."""
        outside = self._external
        mine = frozenset() if outside is None else frozenset({outside.chain.fingerprint})
        return self._folder.leaves() | mine

    def unlock(
        self, passphrase_file: Path | None = None, now: dt.datetime | None = None
    ) -> Unlocked:
        """The identity, ready to sign; made where there is none yet. Raises IdentityError."""
        moment = now or dt.datetime.now(dt.UTC)
        if self._external is not None:
            _check_dates(self._external.chain, moment)
            return self._external
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
            if not kept.chain.root_pem:
                raise IdentityError(
                    "A certificate of your own is renewed by its authority.",
                    "Bring the new one, or go back to the identity of this installation.",
                )
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
            self._drop(kept)
            return self._open

    def bring(
        self,
        key: PrivateKey,
        chain: Chain,
        passphrase_file: Path | None = None,
        now: dt.datetime | None = None,
    ) -> Unlocked:
        """Sign with a certificate of the user's own from now on; see own_certificate.

        The key is kept as any other here: encrypted, its passphrase in the keyring where there is
        one. What was signed before stays known as own. Raises IdentityError.
        """
        moment = now or dt.datetime.now(dt.UTC)
        _check_dates(chain, moment)
        with self._lock:
            before = self._folder.current()
            self._open = self._keep_somewhere((key, chain), passphrase_file, moment)
            if self._open is None:
                raise IdentityError(
                    "There is neither a keyring nor a passphrase to keep the key under.",
                    "Give --passphrase-file FILE, or run where a passphrase can be asked for.",
                )
            if before is not None:
                self._drop(before)
            return self._open

    def use_local(
        self, passphrase_file: Path | None = None, now: dt.datetime | None = None
    ) -> Unlocked:
        """Go back from a certificate of the user's own to an identity made here."""
        with self._lock:
            before = self._folder.current()
            self._open = self._create(passphrase_file, now or dt.datetime.now(dt.UTC))
            if before is not None and self._open.storage != "throwaway":
                self._drop(before)
            return self._open

    def _drop(self, kept: Kept) -> None:
        """Remove the key of an identity that is no longer in use, and its passphrase."""
        kept.drop_key()
        vault = self._vault() if kept.storage == "keyring" else None
        if vault is not None:
            vault.forget(kept.name)

    def _unlock(self, passphrase_file: Path | None, now: dt.datetime) -> Unlocked:
        kept = self._folder.current()
        if kept is None:
            return self._create(passphrase_file, now)
        passphrase = self._passphrase_of(kept, passphrase_file)
        if passphrase is None:
            return _throwaway(now, LOCKED)
        key = kept.key(passphrase)
        notice = loose(passphrase_file)
        return Unlocked(kept.chain, kept.storage, signing(key), notice, algorithm_of(key))

    def _create(self, passphrase_file: Path | None, now: dt.datetime) -> Unlocked:
        return self._keep_somewhere(None, passphrase_file, now) or _throwaway(now, THROWAWAY)

    def _keep_somewhere(
        self,
        brought: tuple[PrivateKey, Chain] | None,
        passphrase_file: Path | None,
        now: dt.datetime,
    ) -> Unlocked | None:
        """Keep a new key under what there is to keep it under; None where there is nothing."""
        if passphrase_file is not None:
            made = self._keep_new("passphrase", read_passphrase(passphrase_file), now, brought)
            return replace(made, notice=loose(passphrase_file))
        if self._vault() is not None:
            try:
                return self._keep_new("keyring", secrets.token_urlsafe(32), now, brought)
            except _KeyringFailed:
                pass
        passphrase = self._ask()
        if passphrase is None:
            return None
        if not passphrase:
            raise IdentityError("The passphrase is empty.", "Choose one of at least one character.")
        if self._ask() != passphrase:
            raise IdentityError("The two passphrases differ.", "Give the same one twice.")
        return self._keep_new("passphrase", passphrase, now, brought)

    def _keep_new(
        self,
        storage: Storage,
        passphrase: str,
        now: dt.datetime,
        brought: tuple[PrivateKey, Chain] | None = None,
    ) -> Unlocked:
        name = self._folder.new_name()
        if storage == "keyring" and not self._vault_now().save(name, passphrase):
            raise _KeyringFailed
        key, chain = brought or make_chain(f"Installation {name[:8]}", now)
        self._folder.add(name, key, chain, storage, passphrase)
        return Unlocked(chain, storage, signing(key), algorithm=algorithm_of(key))

    def _passphrase_of(self, kept: Kept, passphrase_file: Path | None) -> str | None:
        if kept.storage == "keyring":
            vault = self._vault()
            return None if vault is None else vault.load(kept.name)
        if passphrase_file is not None:
            return read_passphrase(passphrase_file)
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
    return Unlocked(chain, "throwaway", signing(key), notice)


def _check_dates(chain: Chain, now: dt.datetime) -> None:
    """Say before any work what would make the signature worthless."""
    who, remedy = "signing certificate", "Renew the signing identity; pictures signed before stay "
    remedy += "known as yours."
    if not chain.root_pem:
        remedy = "Bring a new certificate from its authority."
    for certificate in chain.certificates:
        if now > certificate.not_valid_after_utc:
            end = certificate.not_valid_after_utc
            told = IdentityExpired if chain.root_pem else IdentityError
            raise told(f"The {who} expired on {end:%Y-%m-%d}.", remedy)
        if now < certificate.not_valid_before_utc:
            start = certificate.not_valid_before_utc
            raise IdentityError(
                f"The {who} is valid from {start:%Y-%m-%d} on.",
                "Check the clock of this computer.",
            )
        who = "certificate of the signer's authority"


def _status(chain: Chain, storage: Storing, text: str) -> IdentityStatus:
    expires = chain.leaf.not_valid_after_utc.strftime("%Y-%m-%d")
    return IdentityStatus(True, chain.name, chain.fingerprint, expires, storage, text)
