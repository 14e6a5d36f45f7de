"""Private keys of every kind that signs Content Credentials, and the one way to them: a function.

C2PA specification 2.2, section 13.2: ES256, ES384, ES512, PS256 and Ed25519 are allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from engine.errors import IdentityError

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Algorithm = Literal["es256", "es384", "es512", "ps256", "ed25519"]
Sign = Callable[[bytes], bytes]

_CURVES: dict[str, tuple[Algorithm, hashes.HashAlgorithm, int]] = {
    "secp256r1": ("es256", hashes.SHA256(), 32),
    "secp384r1": ("es384", hashes.SHA384(), 48),
    "secp521r1": ("es512", hashes.SHA512(), 66),
}
_SHORTEST_RSA = 2048


def algorithm_of(key: object) -> Algorithm:
    """The algorithm by which a key, private or public, signs. Raises IdentityError."""
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        if key.curve.name in _CURVES:
            return _CURVES[key.curve.name][0]
    elif isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return "ed25519"
    elif isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey) and key.key_size >= _SHORTEST_RSA:
        return "ps256"
    raise IdentityError(
        "Content Credentials cannot be signed with a key of this kind.",
        "Use a key on P-256, P-384 or P-521, an Ed25519 key, or RSA of 2048 bits and more.",
    )


def signing(key: PrivateKey) -> Sign:
    """The only way to the key: a function that signs (ECDSA gives r || s, as RFC 9053 asks)."""

    def sign(data: bytes) -> bytes:
        try:
            return _signature(key, data)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # The signing library logs what a callback raises: say nothing of key or data.
            raise IdentityError("The signature could not be made.") from None

    return sign


def _signature(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        salted = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
        return key.sign(data, salted, hashes.SHA256())
    _, digest, size = _CURVES[key.curve.name]
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")
