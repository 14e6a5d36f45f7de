"""The user's own certificate chain and key: read from PEM or PKCS#12, and checked before any use.

What the C2PA certificate profile (specification 2.2, section 14.5) asks is checked here, because
the library says no more than "invalid" when a picture is to be signed.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

from engine.errors import IdentityError
from engine.provenance.certificates import CLAIM_SIGNING, Chain, pem_of
from engine.provenance.key_file import readable_by_others
from engine.provenance.signing_key import PrivateKey, algorithm_of

_DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
_FIT = {CLAIM_SIGNING, _DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION}
_UNFIT = {ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.SERVER_AUTH}
_LARGEST = 1 << 20


def from_pem(chain: Path, key: Path, passphrase: str | None) -> tuple[PrivateKey, Chain]:
    """Chain and key from two PEM files, leaf first. passphrase: of the key, None where it has none.

    Raises IdentityError, which never carries anything of the key.
    """
    try:
        certificates = x509.load_pem_x509_certificates(_read(chain))
    except ValueError:
        raise IdentityError(
            f"There are no certificates in {chain}.",
            "Give a PEM file of the signing certificate, followed by those above it.",
        ) from None
    secret = passphrase.encode("utf-8") if passphrase else None
    try:
        found = serialization.load_pem_private_key(_read_key(key), secret)
    except (ValueError, TypeError):
        raise _closed(key) from None
    return _checked(found, certificates)


def from_pkcs12(path: Path, passphrase: str | None) -> tuple[PrivateKey, Chain]:
    """Chain and key from a PKCS#12 file (.p12, .pfx). Raises IdentityError."""
    secret = passphrase.encode("utf-8") if passphrase else None
    try:
        held = pkcs12.load_pkcs12(_read_key(path), secret)
    except ValueError:
        raise _closed(path) from None
    if held.key is None or held.cert is None:
        raise IdentityError(f"{path} lacks a key or its certificate.", "Export both together.")
    above = [entry.certificate for entry in held.additional_certs]
    return _checked(held.key, [held.cert.certificate, *above])


def checked_chain(certificates: list[x509.Certificate]) -> Chain:
    """The chain in order, without its root, held to the profile. Raises IdentityError."""
    leaf, *others = certificates
    _check_leaf(leaf)
    chain = [leaf]
    while (above := _issuer(chain[-1], others)) is not None and above not in chain:
        chain.append(above)
    sent = [one for one in chain if one is leaf or one.subject != one.issuer]
    if leaf.subject == leaf.issuer:
        raise IdentityError(
            "The certificate is signed by itself.",
            "Content Credentials need one that an authority has issued.",
        )
    return Chain("".join(pem_of(one) for one in sent), "")


def _checked(key: object, certificates: list[x509.Certificate]) -> tuple[PrivateKey, Chain]:
    algorithm_of(key)
    assert isinstance(key, PrivateKey)
    leaf = next((c for c in certificates if c.public_key() == key.public_key()), None)
    if leaf is None:
        raise IdentityError(
            "None of the certificates belongs to the key.", "Give the certificate of this key."
        )
    return key, checked_chain([leaf, *(c for c in certificates if c is not leaf)])


def _issuer(one: x509.Certificate, others: list[x509.Certificate]) -> x509.Certificate | None:
    for other in others:
        try:
            one.verify_directly_issued_by(other)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return other
    return None


def _check_leaf(leaf: x509.Certificate) -> None:
    try:
        for kind in (x509.AuthorityKeyIdentifier, x509.KeyUsage, x509.ExtendedKeyUsage):
            leaf.extensions.get_extension_for_class(kind)
        basic = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound as error:
        if error.oid == x509.BasicConstraints.oid:
            basic = False
        else:
            raise _unfit(f"it lacks the extension {error.oid._name}") from None
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    if basic or not usage.digital_signature or usage.key_cert_sign:
        raise _unfit("it is not made for signing documents alone")
    purposes = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    if not purposes & _FIT or purposes & _UNFIT:
        raise _unfit("its extended key usage does not fit")


def _unfit(why: str) -> IdentityError:
    return IdentityError(
        f"The certificate is not fit for Content Credentials: {why}.",
        "Ask its authority for one that signs claims, documents or e-mail.",
    )


def _closed(path: Path) -> IdentityError:
    return IdentityError(
        f"The key in {path} cannot be opened.", "Check the file and give its passphrase."
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise IdentityError(
            f"Cannot read {path}: {error.strerror}.", "Check the path and its permissions."
        ) from error


def _read_key(path: Path) -> bytes:
    data = _read(path)
    if readable_by_others(path):
        raise IdentityError(
            f"The key file {path} can be read by other users.", f"Run: chmod 600 '{path}'"
        )
    return data
