"""Signing: picture and claim in, picture with Content Credentials out."""

from __future__ import annotations

import io

import c2pa

from engine.errors import ExportError
from engine.provenance.claim import THUMBNAIL, Claim, draft
from engine.provenance.keys import Unlocked
from engine.provenance.sdk import context


def sign_picture(data: bytes, mime: str, claim: Claim, identity: Unlocked) -> bytes:
    """The same picture with a signed manifest embedded. Raises ExportError.

    Nothing may be written into the result: any later change reads as tampering. The key stays
    behind `identity.sign`; no time stamp authority is asked.
    """
    made = draft(claim, mime)
    out = io.BytesIO()
    try:
        with (
            context() as settings,
            c2pa.Signer.from_callback(
                identity.sign, c2pa.C2paSigningAlg.ES256, identity.chain.sent_pem, None
            ) as signer,
            c2pa.Builder(made.manifest, settings) as builder,
        ):
            builder.add_resource(THUMBNAIL, io.BytesIO(claim.thumbnail))
            for entry, photo in made.streamed:
                builder.add_ingredient(entry, photo.mime, io.BytesIO(photo.data))
            builder.sign(signer, mime, io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise _refused(claim, error) from error
    return out.getvalue()


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


def _refused(claim: Claim, error: c2pa.C2paError) -> ExportError:
    size = len(claim.recipe.canonical)
    if claim.tier == "recipe" and size > 500_000:
        return ExportError(
            f"The Recipe of {size} bytes is too large for Content Credentials.",
            "Choose a tier that does not include the Recipe.",
        )
    return ExportError(
        f"The picture could not be signed: {str(error)[:120]}.",
        "Try again; if it stays, renew the signing identity.",
    )
