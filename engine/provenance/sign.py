"""Signing: file and claim in, file with Content Credentials out; beside it where none fit in."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import c2pa

from engine.errors import ExportError
from engine.provenance.claim import THUMBNAIL, Claim, draft
from engine.provenance.keys import Unlocked
from engine.provenance.plain_text import plain
from engine.provenance.sdk import context

BESIDE = frozenset({"video/webm"})  # the library knows no place in these
SIDECAR = ".c2pa"


@dataclass(frozen=True)
class Signed:
    """data: the file's bytes as they are to be written. sidecar: the store beside it, or b""."""

    data: bytes
    sidecar: bytes = b""


def sign_picture(
    data: bytes, mime: str, claim: Claim, identity: Unlocked, time_authority: str = ""
) -> bytes:
    """The same picture with a signed manifest embedded; see `sign_file`. Raises ExportError."""
    return sign_file(data, mime, claim, identity, time_authority).data


def sign_file(
    data: bytes, mime: str, claim: Claim, identity: Unlocked, time_authority: str = ""
) -> Signed:
    """The same picture or film with a signed manifest in it, or beside it. Raises ExportError.

    Nothing may be written into the result: any later change reads as tampering. The key stays
    behind `identity.sign`. time_authority: the address of a time stamp authority; where it does
    not answer nothing is signed, and "" asks none.
    """
    made = draft(claim, mime)
    algorithm = c2pa.C2paSigningAlg[identity.algorithm.upper()]
    beside, out = mime in BESIDE, io.BytesIO()
    try:
        with (
            context() as settings,
            c2pa.Signer.from_callback(
                identity.sign, algorithm, identity.chain.sent_pem, time_authority or None
            ) as signer,
            c2pa.Builder(made.manifest, settings) as builder,
        ):
            if beside:
                builder.set_no_embed()
            builder.add_resource(THUMBNAIL, io.BytesIO(claim.thumbnail))
            for entry, photo in made.streamed:
                builder.add_ingredient(entry, photo.mime, io.BytesIO(photo.data))
            store = builder.sign(signer, mime, io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise _refused(claim, error, time_authority) from error
    return Signed(data, bytes(store)) if beside else Signed(out.getvalue())


def sidecar_of(path: Path) -> Path:
    """Where the manifest store of a film lies that cannot hold it: the same name, .c2pa."""
    return path.with_suffix(SIDECAR)


def has_credentials(data: bytes, mime: str) -> bool:
    """Whether a picture from outside carries a manifest that can be kept as an ingredient's."""
    try:
        with context() as settings:
            reader = c2pa.Reader.try_create(mime, io.BytesIO(data), context=settings)
            if reader is None:
                return False
            reader.close()
            return True
    except c2pa.C2paError:
        return False


def check_time_authority(address: str) -> None:
    """Refuse, before any work, an address that is none. Raises ExportError."""
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ExportError(
            f"A time stamp authority has an address like http://host/path, got {plain(address)!r}.",
            "Mend the address, or leave it out.",
        )


def _refused(claim: Claim, error: c2pa.C2paError, time_authority: str) -> ExportError:
    said = str(error).lower()
    if time_authority and any(word in said for word in ("http", "time stamp", "timestamp", "tsa")):
        return ExportError(
            f"The time stamp authority {plain(time_authority)} gave no time stamp, so nothing was "
            "signed or written.",
            "Try again later, or export without a time stamp.",
        )
    size = len(claim.recipe.canonical)
    if claim.tier == "recipe" and size > 500_000:
        return ExportError(
            f"The Recipe of {size} bytes is too large for Content Credentials.",
            "Choose a tier that does not include the Recipe.",
        )
    return ExportError(
        f"The file could not be signed: {str(error)[:120]}.",
        "Try again; if it stays, renew the signing identity.",
    )
