"""A small authority of the tests' own, and the files in which people keep what it issues."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.provenance.certificates import CLAIM_SIGNING
from engine.provenance.signing_key import PrivateKey

SECRET = "the key's own passphrase"
NO_USES = (
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "encipher_only",
    "decipher_only",
    "crl_sign",
)
FIT = (CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)


class Authority:
    """Issues certificates under a root that tests can trust or not."""

    def __init__(self) -> None:
        self.now = dt.datetime.now(dt.UTC)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._make(self.key, "A studio's root", self.key, "A studio's root", (), True)
        self.root_pem = self.root.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def issue(
        self,
        key: PrivateKey,
        name: str = "A studio",
        purposes: tuple[x509.ObjectIdentifier, ...] = FIT,
        start_days: float = -1,
        end_days: float = 100,
    ) -> x509.Certificate:
        days = (start_days, end_days)
        return self._make(key, name, self.key, "A studio's root", purposes, False, days)

    def _make(
        self,
        key: PrivateKey,
        name: str,
        issuer_key: ec.EllipticCurvePrivateKey,
        issuer: str,
        purposes: tuple[x509.ObjectIdentifier, ...],
        authority: bool,
        days: tuple[float, float] = (-2, 1000),
    ) -> x509.Certificate:
        public = key.public_key()
        usage = dict.fromkeys(NO_USES, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(issuer))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + dt.timedelta(days=days[0]))
            .not_valid_after(self.now + dt.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, **usage),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
                critical=False,
            )
        )
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())


def new_key(kind: str) -> PrivateKey:
    """A key of one of the kinds that sign."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


def write_pem(
    folder: Path, key: PrivateKey, *chain: x509.Certificate, secret: str | None = None
) -> tuple[Path, Path]:
    """The chain and the key as two PEM files."""
    certificates, private = folder / "chain.pem", folder / "private.pem"
    pem = serialization.Encoding.PEM
    certificates.write_bytes(b"".join(one.public_bytes(pem) for one in chain))
    sealed: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if secret:
        sealed = serialization.BestAvailableEncryption(secret.encode())
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, sealed))
    private.chmod(0o600)
    return certificates, private


def write_pkcs12(
    folder: Path, key: PrivateKey, leaf: x509.Certificate, *above: x509.Certificate
) -> Path:
    """Everything in one file under SECRET."""
    path = folder / "studio.p12"
    sealed = serialization.BestAvailableEncryption(SECRET.encode())
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"studio", key, leaf, list(above), sealed)
    )
    path.chmod(0o600)
    return path


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
