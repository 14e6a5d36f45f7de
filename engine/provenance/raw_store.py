"""What lies in a manifest store byte for byte: who signed, and what no signature covers.

The C2PA library reads boxes into values and hashes what it would write itself; bytes that it does
not keep can then be changed unseen. It also lets anything at all stand in a signature's padding,
which no hash covers. So the boxes are read here once more, and held to the letter.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.image.formats import PictureFormat
from engine.provenance.cbor import Tagged, read_cbor
from engine.provenance.embedded import boxes, manifest_store

_STORE = "c2pa"
_SIGN1 = 18
_X5CHAIN: tuple[int | str, ...] = (33, "x5chain")
_DEEPEST = 12
_HASHED_FROM = 3
_TYPE = bytes.fromhex("0011001080 0000aa 00389b71")
_KINDS = (
    (b"c2pa",),
    (b"c2ma", b"c2um"),
    (b"c2as", b"c2cl", b"c2cs", b"c2db", b"c2vc"),
)
"""What the specification (2.2, section 11.1) lets stand in a store, a manifest, and below it."""
_PADDING = ("pad", "pad2")
_KNOWN = ("sigTst", "sigTst2", "rVals", "x5chain")
_LONGEST_HEADER = 64
_ASSERTIONS = ("assertions", "created_assertions", "gathered_assertions")
_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


@dataclass
class _Manifest:
    signature: bytes = b""
    claim: bytes = b""
    parts: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class RawStore:
    """leaves: by a manifest's label, the SHA-256 (hex) of the certificate that it was signed with.

    padded: manifests whose signature's unsigned part holds more than zeros, time stamps, revocation
    answers and certificates. altered: those with a statement whose bytes were not signed.
    """

    leaves: Mapping[str, str]
    padded: frozenset[str]
    altered: frozenset[str]


def raw_store(data: bytes, kind: PictureFormat, beside: bytes = b"") -> RawStore | None:
    """The file's manifest store as it stands there; None where its layout is not understood.

    beside: the store of a file that cannot hold one.
    """
    store = beside or manifest_store(data, kind)
    if store is None:
        return None
    found: dict[str, _Manifest] = {}
    try:
        _collect(store, 0, len(store), (), found)
        signatures = {label: _signature(m.signature) for label, m in found.items() if m.signature}
        altered = frozenset(label for label, m in found.items() if m.claim and _altered(m))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error):
        return None
    if not signatures:
        return None
    leaves = {label: leaf for label, (leaf, _) in signatures.items()}
    padded = frozenset(label for label, (_, odd) in signatures.items() if odd)
    return RawStore(leaves, padded, altered)


def is_compressed(data: bytes, kind: PictureFormat) -> bool:
    """Whether the store is of the compressed kind, which only the library reads."""
    store = manifest_store(data, kind)
    try:
        return store is not None and any(
            inner == b"brob"
            for _, first, last in boxes(store, 0, len(store))
            for manifest, start, end in boxes(store, first, last)
            if manifest == b"jumb"
            for inner, _, _ in boxes(store, start, end)
        )
    except (ValueError, struct.error):
        return False


def _collect(
    data: bytes, start: int, end: int, path: tuple[str, ...], found: dict[str, _Manifest]
) -> None:
    """Go through the boxes: store / manifest / claim, signature or assertions / assertion."""
    if len(path) > _DEEPEST:
        raise ValueError("nested too deeply")
    inside = list(boxes(data, start, end))
    own = ""
    if path or (inside and inside[0][0] == b"jumd"):
        description = data[inside[0][1] : inside[0][2]]
        own = _label(description)
        if len(path) < _HASHED_FROM:
            _check_frame(description, own, len(path), inside)
    here = (*path, own) if own else path
    if own and not path and own != _STORE:  # the library takes any name, and nothing signs this one
        raise ValueError("not a manifest store")
    for kind, first, last in inside:
        if kind == b"jumb":
            _collect(data, first, last, here, found)
        elif kind == b"cbor" and len(here) == 3:
            manifest = found.setdefault(here[1], _Manifest())
            if own == "c2pa.signature":
                manifest.signature = data[first:last]
            elif own.startswith("c2pa.claim"):
                manifest.claim = data[first:last]
    if len(here) == 4 and here[2] == "c2pa.assertions":
        found.setdefault(here[1], _Manifest()).parts[own] = data[start:end]


def _check_frame(
    description: bytes, label: str, depth: int, inside: list[tuple[bytes, int, int]]
) -> None:
    """Hold the outer boxes, which no hash covers, to their one form. Raises ValueError."""
    kind, rest = description[:4], description[4:]
    expected = _TYPE + b"\x03" + label.encode("utf-8") + b"\x00"
    if kind not in _KINDS[depth] or rest != expected or (depth == 0 and label != "c2pa"):
        raise ValueError("a box that is not described as it should be")
    if any(box not in (b"jumd", b"jumb", b"cbor") for box, _, _ in inside):
        raise ValueError("a box that has no place there")


def _label(description: bytes) -> str:
    """The label in a description box: 16 bytes of type, one of toggles, then text up to a zero."""
    if len(description) < 18 or not description[16] & 2:
        return ""
    return description[17:].partition(b"\x00")[0].decode("utf-8")


def _signature(content: bytes) -> tuple[str, bool]:
    """SHA-256 of the leaf certificate, and whether the unsigned part holds what it must not."""
    value = read_cbor(content)
    if isinstance(value, Tagged) and value.tag == _SIGN1:
        value = value.value
    protected, unprotected, payload, _ = value
    if payload is not None:
        raise ValueError("a signature that brings its own claim")
    signed = read_cbor(protected) if protected else {}
    chain = next((h[k] for h in (signed, unprotected) for k in _X5CHAIN if k in h), b"")
    leaf = chain[0] if isinstance(chain, list) else chain
    return hashlib.sha256(leaf).hexdigest(), any(_padded(k, v) for k, v in unprotected.items())


def _padded(key: object, value: object) -> bool:
    """An unknown name is refused too: a changed one would hide what stands under it."""
    if key in _PADDING:
        return not isinstance(value, bytes) or any(value)
    if isinstance(key, int):
        return key not in _X5CHAIN and isinstance(value, bytes) and len(value) > _LONGEST_HEADER
    return key not in _KNOWN


def _altered(manifest: _Manifest) -> bool:
    """Whether an assertion's bytes are not those of its hash in the claim."""
    claim = read_cbor(manifest.claim)
    return any(
        not _matches(reference, claim.get("alg", "sha256"), manifest.parts)
        for reference in _references(claim)
    )


def _references(claim: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    for name in _ASSERTIONS:
        yield from claim.get(name) or ()


def _matches(reference: dict[Any, Any], usual: str, parts: Mapping[str, bytes]) -> bool:
    content = parts.get(str(reference["url"]).rsplit("/", 1)[-1])
    digest = _HASHES.get(str(reference.get("alg") or usual))
    if content is None or digest is None:
        return True  # redacted, in another manifest or of another kind: the library's to judge
    stated = reference["hash"]
    return isinstance(stated, bytes) and hmac.compare_digest(digest(content).digest(), stated)
