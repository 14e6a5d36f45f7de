"""A small secret in a file, sealed (AES-256-GCM) under a key kept in the keyring."""

from __future__ import annotations

import json
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.provenance.vault import Vault

_ABOUT = b"latent-atelier sealed seed 1"
_NONCE = 12


def is_sealed(data: bytes) -> bool:
    """Whether a file's bytes are of this form, and no bare secret."""
    return data.startswith(b'{"sealed"')


def seal(seed: bytes, vault: Vault) -> bytes | None:
    """The file; None where the vault keeps nothing. Each call takes a name of its own."""
    name, key = f"ledger {secrets.token_hex(8)}", secrets.token_bytes(32)
    if not vault.save(name, key.hex()):
        return None
    nonce = secrets.token_bytes(_NONCE)
    sealed = nonce + AESGCM(key).encrypt(nonce, seed, _ABOUT)
    return json.dumps({"sealed": sealed.hex(), "name": name}).encode("ascii")


def unseal(data: bytes, vault: Vault) -> bytes | None:
    """The secret; None where the vault does not have its key. Raises ValueError when damaged."""
    try:
        told = json.loads(data)
        sealed, name = bytes.fromhex(told["sealed"]), str(told["name"])
    except (KeyError, TypeError) as error:
        raise ValueError("not a sealed secret") from error
    key = vault.load(name)
    if key is None:
        return None
    try:
        return AESGCM(bytes.fromhex(key)).decrypt(sealed[:_NONCE], sealed[_NONCE:], _ABOUT)
    except InvalidTag as error:
        raise ValueError("does not open under its key") from error
