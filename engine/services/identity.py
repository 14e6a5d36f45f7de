"""The signing identity as a service: show it, renew it, or bring a certificate of one's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cryptography import x509

from engine.errors import IdentityError
from engine.frame import IdentityStatus
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.own_certificate import checked_chain, from_pem, from_pkcs12
from engine.provenance.passphrase_file import read_passphrase
from engine.provenance.signing_key import Algorithm, algorithm_of


def use_certificate(
    identity: Identity,
    file: Path,
    key: Path | None = None,
    key_passphrase_file: Path | None = None,
    passphrase_file: Path | None = None,
    secret: str | None = None,
) -> Unlocked:
    """Sign with the certificate in `file` from now on: PEM with a `key` beside it, else PKCS#12.

    key_passphrase_file, or secret itself: opens the user's key. passphrase_file: under which it
    is kept here where there is no keyring. Raises IdentityError.
    """
    if key_passphrase_file is not None:
        secret = read_passphrase(key_passphrase_file)
    found = from_pkcs12(file, secret) if key is None else from_pem(file, key, secret)
    return identity.bring(*found, passphrase_file)


def callback_signer(chain_pem: bytes, sign: Callable[[bytes], bytes]) -> Unlocked:
    """An identity whose key stays in a token or keystore. Raises IdentityError.

    chain_pem: the signing certificate, then those above it. sign: bytes to a raw signature of the
    certificate's algorithm (ECDSA as r || s). What it raises is told as "could not be signed" and
    nothing more, since the signing library logs it.
    """
    try:
        certificates = x509.load_pem_x509_certificates(chain_pem)
    except ValueError:
        raise IdentityError("There are no certificates in the chain.", "Give PEM text.") from None
    algorithm: Algorithm = algorithm_of(certificates[0].public_key())
    return Unlocked(
        checked_chain(list(certificates)), "external", _guarded(sign), algorithm=algorithm
    )


def status_data(status: IdentityStatus) -> dict[str, Any]:
    """The stable JSON form."""
    return asdict(status)


def _guarded(sign: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def guarded(data: bytes) -> bytes:
        with suppress(Exception):  # a driver may raise anything, and name its secrets
            return bytes(sign(data))
        raise IdentityError("The signature could not be made.")

    return guarded
