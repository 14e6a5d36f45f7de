"""A signed extract of the ledger, so that a studio can answer for pictures it exported elsewhere.

It names pictures, never people or places: no paths, no process, and the Recipe only where the
picture itself carries it. It is signed by the identity that signs exports.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from engine.errors import LedgerError
from engine.provenance.certificates import Chain
from engine.provenance.fingerprint import SIZE
from engine.provenance.keys import Unlocked
from engine.provenance.ledger_rows import Row
from engine.provenance.plain_text import plain

LARGEST = 256 << 20
_PREFIX = b"latent-atelier ledger extract 1\x00"
_CURVE_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
_FIELDS = ("id", "created", "tier", "signer", "sha256", "pixels_sha256", "manifest")


@dataclass(frozen=True)
class ExtractRow:
    """What an extract tells of one export; see ledger_rows.Row. recipe: "" where it is private."""

    id: str
    created: str
    tier: str
    signer: str
    sha256: str
    pixels_sha256: str
    manifest: str
    mark: int
    fingerprints: bytes
    recipe: str


@dataclass(frozen=True)
class Extract:
    """A read extract. signer: a name; fingerprint: SHA-256 of its certificate, hex; both as stated.

    trusted: whether one of the given anchors or certificates vouches for it.
    """

    signer: str
    fingerprint: str
    created: str
    rows: tuple[ExtractRow, ...]
    trusted: bool


def write_extract(rows: Iterable[Row], identity: Unlocked, now: dt.datetime | None = None) -> bytes:
    """The extract of these rows, as JSON text. Rows that are not done are left out."""
    told = {
        "extract": 1,
        "created": (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds"),
        "chain": identity.chain.sent_pem,
        "rows": [_row(row) for row in rows if row.status == "done"],
    }
    body = _canonical(told)
    return json.dumps(
        {"body": body, "signature": identity.sign(_PREFIX + body.encode()).hex()}
    ).encode()


def read_extract(
    data: bytes, *, anchors_pem: str = "", own_leaves: frozenset[str] = frozenset()
) -> Extract:
    """Check and read an extract. Raises LedgerError where it is damaged or was changed.

    It is trusted where an anchor has issued its certificates or the certificate is known as own;
    its dates are not asked, for an extract outlives a certificate.
    """
    try:
        sealed = json.loads(data)
        text = str(sealed["body"])
        told = json.loads(text)
        if told["extract"] != 1:
            raise _refused("was written by a newer version of this program")
        chain = Chain(str(told["chain"]), "")
        certificates = chain.certificates
        _verify(certificates[0], bytes.fromhex(sealed["signature"]), _PREFIX + text.encode())
        rows = tuple(_read_row(row) for row in told["rows"])
    except InvalidSignature:
        raise _refused("was changed after it was signed") from None
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise _refused("is damaged, or no extract of a ledger") from None
    trusted = chain.fingerprint in own_leaves or _anchored(certificates, anchors_pem)
    created = plain(told.get("created", ""), 40)
    return Extract(plain(chain.name, 80), chain.fingerprint, created, rows, trusted)


def _row(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    told["mark"] = row.mark
    told["fingerprints"] = row.fingerprints.hex()
    if row.tier == "recipe":
        told["recipe"] = row.recipe
    return told


def _read_row(data: Mapping[str, Any]) -> ExtractRow:
    text = {name: plain(data[name], 200) for name in _FIELDS}
    marks = bytes.fromhex(data["fingerprints"])
    if len(marks) not in (0, SIZE) or not 0 <= int(data["mark"]) < 1 << 40:
        raise ValueError("a row that does not fit")
    return ExtractRow(
        **text, mark=int(data["mark"]), fingerprints=marks, recipe=str(data.get("recipe", ""))
    )


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _verify(leaf: x509.Certificate, signature: bytes, data: bytes) -> None:
    """Raises InvalidSignature, or ValueError for a key of another kind."""
    key = leaf.public_key()
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, data)
    elif isinstance(key, rsa.RSAPublicKey):
        salted = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
        key.verify(signature, data, salted, hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        half = len(signature) // 2
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        encoded = utils.encode_dss_signature(r, s)
        key.verify(encoded, data, ec.ECDSA(_CURVE_HASHES[key.curve.name]))
    else:
        raise ValueError("a key of another kind")


def _anchored(certificates: tuple[x509.Certificate, ...], anchors_pem: str) -> bool:
    """Whether each certificate is issued by the next one, and the last one by an anchor."""
    anchors = x509.load_pem_x509_certificates(anchors_pem.encode()) if anchors_pem else []
    for one, above in pairwise(certificates):
        if not _issued(one, above):
            return False
    return any(_issued(certificates[-1], anchor) for anchor in anchors)


def _issued(one: x509.Certificate, above: x509.Certificate) -> bool:
    check: Callable[[x509.Certificate], None] = one.verify_directly_issued_by
    try:
        check(above)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _refused(why: str) -> LedgerError:
    return LedgerError(f"This extract {why}.", "Ask its studio for it again.")
