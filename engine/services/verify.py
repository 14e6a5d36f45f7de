"""Verifying a file: what its credentials show, and whether its Recipe gives the same picture."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.errors import AtelierError, ImageError, UsageError
from engine.frame import Finding, Frame, Pixels, Verdict
from engine.image.codec import (
    Picture,
    PictureTooLarge,
    open_picture,
    read_bytes,
    refuse_polyglot,
)
from engine.image.formats import (
    WEBM,
    sniff_film,
)
from engine.image.pixels import resize
from engine.provenance.certificates import read_anchors
from engine.provenance.origin import models_of
from engine.provenance.verify import Credentials, crjson, read_credentials
from engine.recipe import ModelRef, Recipe
from engine.services.compare import MarkAgain, compare
from engine.services.lookup import Lookup, mark_finding, match_finding

RenderRecipe = Callable[[Recipe], Frame]
NOBODY = Lookup()
THUMBNAIL_PX = 96


def verify(
    path: Path,
    *,
    own_roots_pem: str = "",
    own_leaves: frozenset[str] = frozenset(),
    anchors: Path | None = None,
    render: RenderRecipe | None = None,
    has_model: Callable[[ModelRef], bool] | None = None,
    lookup: Lookup = NOBODY,
    mark_again: MarkAgain | None = None,
    now: dt.datetime | None = None,
) -> Verdict:
    """What is known of a file, and no more than that.

    anchors: a PEM file of roots that the user trusts. render: renders the file's Recipe once more
    at full quality, to compare; None leaves that out. has_model: whether a model is at hand.
    lookup: the ledger and the decoder of marks. mark_again: puts a stated mark into a
    fresh picture, so that it can be compared with the file. Raises ImageError where the file
    cannot be read at all or is something else besides a picture, UsageError for unfit anchors.
    """
    trusted = "" if anchors is None else read_roots(anchors)
    # The steps 1 to 6 are those of provenance.verify.
    data = read_bytes(path)
    refuse_polyglot(data)
    found = read_credentials(
        data,
        beside=_beside(path, data),
        anchors_pem=trusted,
        own_roots_pem=own_roots_pem,
        own_leaves=own_leaves,
        now=now,
    )
    verdict = Verdict(
        path=path,
        verdict=found.verdict,
        headline=found.headline,
        findings=found.findings,
        signer=found.signer,
        signed_at=found.signed_at,
        recipe=found.recipe,
        claim=found.claim,
        certificate=found.certificate,
    )
    verdict = replace(verdict, thumbnails=_thumbnails(found))
    # 7. What does the picture itself tell: notes, a mark, a likeness in the ledger?
    verdict = _looked_up(verdict, data, found, lookup)
    # 8. Does its Recipe give the same picture?
    if render is None:
        return verdict
    return _rerendered(verdict, data, render, has_model, mark_again)


def _beside(path: Path, data: bytes) -> bytes:
    """The manifest store beside a film that cannot hold one."""
    sidecar = path.with_suffix(".c2pa")
    if sniff_film(data) is not WEBM or not sidecar.is_file():
        return b""
    return read_bytes(sidecar)


def _looked_up(verdict: Verdict, data: bytes, found: Credentials, lookup: Lookup) -> Verdict:
    picture, notes = _picture(data)
    mark = lookup.mark(picture)
    match, more = lookup.match(data, found, mark, picture)
    told = lookup.elsewhere(data, mark, picture)
    if match is not None:
        told = (match_finding(match), *told)
    strange = mark_finding(mark, match)
    if strange is not None:
        told = (strange, *told)
    return replace(
        verdict,
        findings=(*verdict.findings, *told),
        watermark=mark,
        ledger=match,
        notes=(*notes, *more, *lookup.remarks()),
    )


def _thumbnails(found: Credentials) -> dict[int, Pixels]:
    """The small pictures that the credentials keep, decoded as carefully as any other."""
    kept = {}
    for place, data in found.pictures.items():
        try:
            pixels = open_picture(data).pixels
        except ImageError:
            continue
        height, width = pixels.shape[:2]
        scale = min(1.0, THUMBNAIL_PX / max(height, width))
        kept[place] = resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))
    return kept


def _picture(data: bytes) -> tuple[Picture | None, tuple[str, ...]]:
    try:
        picture = open_picture(data)
    except PictureTooLarge as error:
        return None, (f"The picture was not decoded. {error.what}",)
    except ImageError:
        return None, ()  # the verdict says what is wrong with the file
    return picture, picture.notes


def _rerendered(
    verdict: Verdict,
    data: bytes,
    render: RenderRecipe,
    has_model: Callable[[ModelRef], bool] | None,
    mark_again: MarkAgain | None,
) -> Verdict:
    recipe = verdict.known_recipe
    if recipe is None:
        return _noted(verdict, None, "There is no Recipe in the file to render again.")
    if verdict.claim.get("export", {}).get("sheet"):
        return _noted(verdict, None, "A sheet of several pictures is not rendered again.")
    missing = [m for m in models_of(recipe) if has_model is not None and not has_model(m)]
    if missing:
        return _noted(verdict, None, _missing(missing[0]))
    try:
        frame = render(recipe)
    except AtelierError as error:
        return _noted(verdict, False, f"The Recipe could not be rendered again: {error.what}")
    compared = compare(verdict, frame, data, mark_again)
    # A difference speaks against nobody: another backend or version may round otherwise.
    ok = True if compared.identical and verdict.verdict != "invalid" else None
    return replace(_noted(verdict, ok, compared.text), rerender=compared)


def report_for_others(path: Path, anchors: Path | None = None) -> str | None:
    """crJSON of the file's credentials, or None where there are none. Raises ImageError."""
    data = read_bytes(path)
    refuse_polyglot(data)
    return crjson(data, "" if anchors is None else read_roots(anchors), _beside(path, data))


def _noted(verdict: Verdict, ok: bool | None, text: str) -> Verdict:
    return replace(verdict, findings=(*verdict.findings, Finding(ok, text)))


def read_roots(path: Path) -> str:
    """The certificates in a PEM file. Raises UsageError."""
    try:
        return read_anchors(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"Cannot read certificates from {path}.",
            "Give a file of roots in PEM form (-----BEGIN CERTIFICATE-----).",
        ) from error


def _missing(model: ModelRef) -> str:
    return (
        f"The Recipe cannot be rendered again: the model “{model.name}” with weights SHA-256 "
        f"{model.sha256} is not here. Import it first."
    )
