"""What a file's Content Credentials show: a pure function of bytes, anchors and a moment.

The numbered steps follow C2PA specification 2.2, section 15 (validation).
"""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import c2pa

from engine.errors import ImageError
from engine.frame import Finding, VerdictName
from engine.image.codec import PictureTooLarge, open_picture
from engine.image.formats import PNG, WEBM, PictureFormat, sniff, sniff_film
from engine.image.png_chunks import chunks
from engine.image.xmp import stated_source_type
from engine.provenance import words
from engine.provenance.ingredients import IngredientView
from engine.provenance.manifest_view import ManifestView, view
from engine.provenance.plain_text import plain
from engine.provenance.raw_store import RawStore, is_compressed, raw_store
from engine.provenance.sdk import context
from engine.provenance.statements import Statements, read_statements
from engine.recipe import Recipe

_DATES = frozenset({"signingCredential.expired", "claimSignature.outsideValidity"})
_ODD_REPORT = (ValueError, KeyError, TypeError, AttributeError, IndexError, StopIteration)


@dataclass(frozen=True)
class Credentials:
    """What was found. signer: a name that the certificate gives, verified or not by `verdict`.

    certificate: more of it, as JSON data. manifest: the label of the active manifest. pictures: see
    manifest_view.
    """

    verdict: VerdictName
    findings: tuple[Finding, ...] = ()
    signer: str | None = None
    signed_at: str | None = None
    recipe: Recipe | None = None
    claim: Mapping[str, Any] = field(default_factory=dict)
    headline: str = ""
    certificate: Mapping[str, Any] = field(default_factory=dict)
    manifest: str = ""
    pictures: Mapping[int, bytes] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "headline", self.headline or words.HEADLINES[self.verdict])


def read_credentials(
    data: bytes,
    *,
    anchors_pem: str = "",
    own_roots_pem: str = "",
    own_leaves: frozenset[str] = frozenset(),
    now: dt.datetime | None = None,
    beside: bytes = b"",
) -> Credentials:
    """The verdict on a file's bytes. Reads nothing else and fetches nothing. Never raises.

    anchors_pem: roots that the user trusts. own_roots_pem: roots of this installation; own_leaves:
    SHA-256 of certificates that are its own whoever issued them. now: the moment against which
    certificates without a time stamp are held; the clock's by default. beside: the manifest store
    of a film that cannot hold one.
    """
    # 1. Which format, by the bytes; nothing else is handed to a parser.
    found = sniff(data) or sniff_film(data)
    if found is None:
        return _no_picture(data)
    # 2. Is there a manifest, and can it be read?
    try:
        seen, trusted = _look(data, found, own_roots_pem, beside)
        if seen is None:
            return _no_manifest(data, found)
        raw = raw_store(data, found, beside)
        leaf = raw.leaves.get(seen.label, "") if raw is not None else ""
        own = trusted or (leaf in own_leaves and seen.has("claimSignature.validated"))
        # 3. Does an anchor vouch for the signer, or for the authority of a time stamp?
        if anchors_pem:
            seen, trusted = _look(data, found, own_roots_pem + anchors_pem, beside)
            assert seen is not None
    except c2pa.C2paError as error:
        return _unreadable(data, str(error))
    except _ODD_REPORT:
        return _unreadable(data, "its structure is not understood")
    moment = now or dt.datetime.now(dt.UTC)
    judged = _judge(_File(data, found, seen, raw), own, trusted, moment)
    if judged.verdict == "invalid":  # who signed is not told of a picture that may be another's
        return judged
    return replace(
        judged,
        certificate=_certificate(seen, leaf),
        manifest=seen.label,
        pictures=seen.pictures,
    )


def _look(
    data: bytes, found: PictureFormat, anchors_pem: str, beside: bytes
) -> tuple[ManifestView | None, bool]:
    """The manifest as the library reports it under these anchors, and whether they vouch for it."""
    with context(anchors_pem) as settings:
        reader = _reader(found, data, settings, beside)
        if reader is None:
            return None, False
        with reader:
            seen = view(reader)
    return seen, bool(anchors_pem) and seen.has("signingCredential.trusted")


def _reader(
    found: PictureFormat, data: bytes, settings: c2pa.Context, beside: bytes
) -> c2pa.Reader | None:
    if beside:
        return c2pa.Reader(found.mime, io.BytesIO(data), manifest_data=beside, context=settings)
    if found is WEBM:
        return None  # the library knows no place in it, and would call that an error
    return c2pa.Reader.try_create(found.mime, io.BytesIO(data), context=settings)


@dataclass(frozen=True)
class _File:
    """A file with credentials: what the library reports of it, and how it lies there."""

    data: bytes
    format: PictureFormat
    seen: ManifestView
    raw: RawStore | None


def _judge(file: _File, own: bool, trusted: bool, now: dt.datetime) -> Credentials:
    seen = file.seen
    # 4. Is everything as it was signed: signature, statements, the picture's bytes?
    stated = read_statements(seen)
    faults = _own_faults(file, now)
    if faults:
        if file.format is not PNG and not _decodes(file.data):
            return Credentials("damaged", _bad(["The picture itself cannot be decoded."]))
        return _invalid(faults, stated)
    # 5. Is every ingredient as it was signed?
    parts = [
        f"“{part.title}”, which it was made from, does not pass: {words.fault(*part.faults)}"
        for part in _walk(seen)
        if part.faults
    ]
    if parts:
        return _invalid(parts, stated, words.BAD_INGREDIENT)
    # 6. Were the certificate's dates right? Without a time stamp only today can be asked.
    late = not seen.time_proven and (seen.valid_to is None or now > seen.valid_to)
    verdict: VerdictName = "intact-unverified"
    if late:
        verdict = "expired"
    elif own:
        verdict = "own"
    elif trusted:
        verdict = "trusted"
    findings = (
        Finding(True, "The picture and its credentials are as they were signed."),
        *_signer(verdict, seen),
        *_time(seen),
        *stated.findings(own=verdict == "own"),
    )
    signed_at = seen.time_stamp if seen.time_proven else None
    return Credentials(verdict, findings, seen.signer, signed_at, stated.recipe, stated.claim)


def _walk(seen: ManifestView) -> Iterator[IngredientView]:
    for part in seen.ingredients:
        yield from part.walk()


def _certificate(seen: ManifestView, leaf: str) -> dict[str, Any]:
    return {
        "issuer": seen.issuer or None,
        "algorithm": seen.algorithm or None,
        "sha256": leaf or None,
        "valid_from": seen.valid_from.isoformat() if seen.valid_from else None,
        "valid_to": seen.valid_to.isoformat() if seen.valid_to else None,
    }


def _own_faults(file: _File, now: dt.datetime) -> list[str]:
    """What is wrong with the file itself, leaving its ingredients aside."""
    seen = file.seen
    codes = [code for code, _ in seen.failed if code != "signingCredential.untrusted"]
    faults = [words.fault(c) for c in codes if seen.time_proven or c not in _DATES]
    if not faults:
        faults += _unsigned_change(file)
    if not seen.time_proven and seen.valid_from is not None and now < seen.valid_from:
        faults.append("The signer's certificate is not valid yet.")
    return list(dict.fromkeys(faults))


def _invalid(faults: list[str], stated: Statements, headline: str = "") -> Credentials:
    """No signer is named here: the name may belong to another picture."""
    findings = _bad(faults)
    if stated.recipe is not None:
        text = "The Recipe is as it was signed, but need not belong to this picture."
        findings += (Finding(None, text),)
    return Credentials(
        "invalid", findings, recipe=stated.recipe, claim=stated.claim, headline=headline
    )


def _signer(verdict: VerdictName, seen: ManifestView) -> tuple[Finding, ...]:
    name = f"“{seen.signer}”" if seen.signer else "without a name"
    if verdict == "own":
        return (Finding(True, f"Signed by this installation, {name}."),)
    if verdict == "trusted":
        return (Finding(True, f"An anchor on your trust list vouches for the signer, {name}."),)
    if verdict == "expired":
        end = f"{seen.valid_to:%Y-%m-%d}" if seen.valid_to else "a date that cannot be read"
        return (
            Finding(False, f"The signer's certificate ended on {end}; no time stamp proves that "
                    "it was signed before."),
            Finding(None, f"The signer is not verified; the certificate names {name}."),
        )  # fmt: skip
    return (
        Finding(None, "The signer is not verified: no anchor on your trust list vouches for it."),
        Finding(None, f"The certificate names {name}, which anybody could have written."),
    )


def _time(seen: ManifestView) -> tuple[Finding, ...]:
    if seen.time_stamp is None:
        return (Finding(None, "Nothing proves when it was signed: it has no time stamp."),)
    if not seen.time_proven:
        text = "It has a time stamp, but of an authority that is not known, so it proves nothing."
        return (Finding(None, text),)
    return (Finding(None, f"A time stamp says: signed {seen.time_stamp}."),)


def _unsigned_change(file: _File) -> list[str]:
    """What the library lets pass: see raw_store. PNG's own checksums are held to as well."""
    if file.format is PNG:
        try:
            for _ in chunks(file.data):
                pass
        except ImageError:
            return [words.UNSIGNED_BYTE]
    if file.raw is None:
        return [] if is_compressed(file.data, file.format) else [words.ODD_LAYOUT]
    faults = [words.UNSIGNED_BYTE] if file.seen.label in file.raw.padded else []
    if file.seen.label in file.raw.altered:
        faults.append(words.fault("assertion.hashedURI.mismatch"))
    return faults


def _decodes(data: bytes) -> bool:
    try:
        open_picture(data)
    except PictureTooLarge:
        return True
    except ImageError:
        return False
    return True


def _no_picture(data: bytes) -> Credentials:
    if not data:
        return Credentials("damaged", _bad(["The file is empty."]))
    return Credentials(
        "none", (Finding(None, words.NOT_READ), Finding(None, words.NOTHING_FOLLOWS))
    )


def _no_manifest(data: bytes, found: PictureFormat) -> Credentials:
    if not found.pillow:  # a film, which is not decoded here
        return Credentials("none", (Finding(None, words.NOTHING_FOLLOWS),))
    if not _decodes(data):
        return Credentials("damaged", _bad([f"The {found.word} picture cannot be decoded."]))
    findings = [Finding(None, words.NOTHING_FOLLOWS)]
    source = stated_source_type(data)
    if source is not None:
        said = words.source(source) or source
        findings.append(
            Finding(None, f"Unsigned text in the file says: {said}. Anybody can write such text.")
        )
    return Credentials("none", tuple(findings))


def _unreadable(data: bytes, reason: str) -> Credentials:
    """The library gave up: credentials elsewhere, a broken file, or broken credentials."""
    if reason.startswith("Remote"):
        where = plain(reason.rsplit("url", 1)[-1], 120)
        text = f"The file points to {where}. Nothing was fetched, so nothing is known."
        return Credentials("remote-not-checked", (Finding(None, text),))
    if not _decodes(data):
        return Credentials("damaged", _bad(["The file cannot be read to its end."]))
    return Credentials("invalid", _bad(["The credentials in the file cannot be read."]))


def _bad(texts: list[str]) -> tuple[Finding, ...]:
    return tuple(Finding(False, text) for text in texts)


def crjson(data: bytes, anchors_pem: str = "", beside: bytes = b"") -> str | None:
    """The library's own report in the form that other programs read (crJSON), or None.

    beside: see `read_credentials`. Its words are the signer's, unclipped; non-ASCII characters are
    escaped.
    """
    found = sniff(data) or sniff_film(data)
    if found is None:
        return None
    try:
        with context(anchors_pem) as settings:
            reader = _reader(found, data, settings, beside)
            if reader is None:
                return None
            with reader:
                return json.dumps(json.loads(reader.crjson()), indent=2)
    except (c2pa.C2paError, ValueError):
        return None
