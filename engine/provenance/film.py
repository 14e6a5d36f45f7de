"""Signing films: in the file where C2PA can embed there, else as a manifest store beside it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import c2pa

from engine.errors import ExportError
from engine.provenance.claim import THUMBNAIL, Claim, draft
from engine.provenance.keys import Unlocked
from engine.provenance.sdk import context

EMBEDDED = frozenset({"video/mp4", "image/gif", "image/webp"})
SIDECAR = ".c2pa"


@dataclass(frozen=True)
class SignedFilm:
    """data: the film's bytes as they are to be written. sidecar: the store beside it, or b""."""

    data: bytes
    sidecar: bytes = b""


def sign_film(data: bytes, mime: str, claim: Claim, identity: Unlocked) -> SignedFilm:
    """The film with a signed manifest, in it or beside it. Raises ExportError."""
    made = draft(claim, mime)
    algorithm = c2pa.C2paSigningAlg[identity.algorithm.upper()]
    embedded, out = mime in EMBEDDED, io.BytesIO()
    try:
        with (
            context() as settings,
            c2pa.Signer.from_callback(
                identity.sign, algorithm, identity.chain.sent_pem, None
            ) as signer,
            c2pa.Builder(made.manifest, settings) as builder,
        ):
            if not embedded:
                builder.set_no_embed()
            builder.add_resource(THUMBNAIL, io.BytesIO(claim.thumbnail))
            for entry, photo in made.streamed:
                builder.add_ingredient(entry, photo.mime, io.BytesIO(photo.data))
            store = builder.sign(signer, mime, io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise ExportError(
            f"The film could not be signed: {str(error)[:120]}.",
            "Try again; if it stays, renew the signing identity.",
        ) from error
    return SignedFilm(out.getvalue()) if embedded else SignedFilm(data, bytes(store))


def sidecar_of(path: Path) -> Path:
    """Where the manifest store of a film lies that cannot hold it: the same name, .c2pa."""
    return path.with_suffix(SIDECAR)
