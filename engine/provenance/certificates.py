"""The certificate chain of a local identity: root, issuing authority, leaf (P-256, ES256).

The C2PA certificate profile (C2PA specification 2.2, section 14.5) asks of the leaf: no authority,
digital signatures only, subject and authority key identifiers, and a fitting extended key usage.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
ORGANISATION = "Latent Atelier local identity"
LEAF_DAYS = 3652
_AUTHORITY_DAYS = 7305
_BACKDATE = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class Chain:
    """The public half of an identity. `sent_pem` goes into files: leaf and issuer, not the root.

    root_pem: "" where the root is not this installation's own, so that others sign under it too.
    """

    sent_pem: str
    root_pem: str

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate of the key that signs."""
        return x509.load_pem_x509_certificate(self.sent_pem.encode("ascii"))

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """All that are sent, the leaf first."""
        return tuple(x509.load_pem_x509_certificates(self.sent_pem.encode("ascii")))

    @property
    def name(self) -> str:
        """The leaf's common name."""
        found = self.leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the leaf (DER), lower-case hex."""
        return self.leaf.fingerprint(hashes.SHA256()).hex()


def make_chain(
    label: str, now: dt.datetime, leaf_days: float = LEAF_DAYS
) -> tuple[ec.EllipticCurvePrivateKey, Chain]:
    """A new leaf key and its chain, valid from five minutes before `now` (clocks differ).

    The keys of root and issuing authority are used here once and never leave this function. Kept
    under the leaf's own passphrase they would protect nothing, and would be worth stealing; a
    renewal makes a new chain, and the old root, which can sign nothing more, stays known as own.
    """
    start = now - _BACKDATE
    root_key, issuing_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root_name, issuing_name = _name(f"{label} root"), _name(f"{label} issuing authority")
    root = _sign(
        _authority(root_name, root_name, root_key.public_key(), start, path_length=1), root_key
    )
    issuing = _sign(
        _authority(issuing_name, root_name, issuing_key.public_key(), start, path_length=0),
        root_key,
    )
    end = start + _BACKDATE + dt.timedelta(days=leaf_days)
    leaf = _sign(_leaf(_name(label), issuing_name, leaf_key.public_key(), start, end), issuing_key)
    return leaf_key, Chain(pem_of(leaf) + pem_of(issuing), pem_of(root))


def read_anchors(pem: bytes) -> str:
    """The PEM text of the certificates in `pem`. Raises ValueError where there is none."""
    return "".join(pem_of(certificate) for certificate in x509.load_pem_x509_certificates(pem))


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _authority(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    start: dt.datetime,
    path_length: int,
) -> x509.CertificateBuilder:
    end = start + dt.timedelta(days=_AUTHORITY_DAYS)
    return (
        _builder(subject, issuer, key, start, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(authority=True), critical=True)
    )


def _leaf(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    start: dt.datetime,
    end: dt.datetime,
) -> x509.CertificateBuilder:
    purposes = [CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    return (
        _builder(subject, issuer, key, start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    start: dt.datetime,
    end: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(
    builder: x509.CertificateBuilder, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return builder.add_extension(identifier, critical=False).sign(issuer_key, hashes.SHA256())


def pem_of(certificate: x509.Certificate) -> str:
    """The certificate in PEM form."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
