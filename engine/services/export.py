"""One export: a Recipe becomes a signed picture file and a row in the ledger, or nothing at all."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.cancel import CancelToken
from engine.errors import ExportError, LedgerError
from engine.frame import (
    ExportOptions,
    Frame,
    Mark,
    OnProgress,
    Progress,
    Receipt,
)
from engine.image.codec import encode, read_picture, thumbnail
from engine.image.formats import LOSSLESS, SUFFIXES, FormatName, sniff
from engine.provenance.claim import Claim, Made, OpenedPhoto
from engine.provenance.fingerprint import Pixels, fingerprints
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.ledger import Ledger, Row
from engine.provenance.origin import models_of, photos_of
from engine.provenance.sign import check_time_authority, has_credentials, sign_picture
from engine.provenance.verify import Credentials, read_credentials
from engine.recipe import ModelRef, Recipe
from engine.services.atomic_file import check_target, put_in_place, remove, write_temporary
from engine.services.export_facts import made_of, receipt_of, text_of, xmp_of
from engine.services.marking import ALGORITHM, weakness, why_none
from engine.services.sizing import resized, size_of

Watermark = Callable[[Pixels, int], tuple[Pixels, Mark] | None]
_ENDINGS = ".png, .jpg, .webp, .tiff or .avif"
_THUMBNAIL_SIDE = 192
_THUMBNAIL_BYTES = 8_000


@dataclass(frozen=True)
class Exporter:
    """What an export needs from the rest of the engine.

    render: renders a Recipe anew at full quality, never from the preview's cache. photo: the bytes
    of a picture in the store. resolution: the side of what a model makes, in pixels. watermark:
    puts the 40-bit id of the row into the pixels, invisibly; None of it, or from it, is no mark,
    and why_unmarked says why it was none.
    sheet: the Recipes of all pictures on a sheet, where what `render` gives is one.
    parts: what else a model works through.
    """

    render: Callable[[Recipe], Frame]
    identity: Identity
    ledger: Ledger
    photo: Callable[[str], bytes]
    resolution: Callable[[ModelRef], int]
    watermark: Watermark | None = None
    why_unmarked: Callable[[Pixels], str] = why_none
    sheet: tuple[Recipe, ...] = ()
    parts: Callable[[ModelRef], tuple[ModelRef, ...]] = lambda _: ()

    def export(
        self,
        recipe: Recipe,
        path: Path,
        options: ExportOptions | None = None,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        """Render, sign, check, and put the file at `path` in one step.

        A failure or a cancel leaves nothing at the path, or the file that was there before.
        Raises ExportError, IdentityError, LedgerError, Cancelled, and what `render` raises.
        """
        wanted = options or ExportOptions()
        format = _format_of(path)
        steps = _Steps(progress, cancel or CancelToken())

        def make(identity: Unlocked, row: Row) -> Receipt:
            return self._make(recipe, wanted, format, identity, row, steps)

        return self.within_row(recipe, path, wanted, make)

    def within_row(
        self,
        recipe: Recipe,
        path: Path,
        options: ExportOptions,
        make: Callable[[Unlocked, Row], Receipt],
    ) -> Receipt:
        """What `make` makes, in a new row of the ledger that ends as done or as failed.

        Refuses an unfit path, address or identity before any work, as `export` does.
        """
        check_target(path)
        check_time_authority(options.time_authority)
        identity = self.identity.unlock(options.passphrase_file)
        salt = secrets.token_bytes(32) if options.tier == "commitment" else b""
        row = self.ledger.reserve(recipe, path, options.tier, salt)
        done = False
        try:
            receipt = make(identity, row)
            done = True
        finally:
            if not done:
                remove(row.temporary)
                with suppress(LedgerError):  # else it would hide what went wrong first
                    self.ledger.fail(row.id)
        with suppress(LedgerError):  # the file is in its place: settled at the next start
            self.ledger.complete(receipt.ledger_id)
        return receipt

    def _make(
        self,
        recipe: Recipe,
        options: ExportOptions,
        format: FormatName,
        identity: Unlocked,
        row: Row,
        steps: _Steps,
    ) -> Receipt:
        steps.next("Rendering", 0.05)
        sized, frame = self._render(recipe, options.size_px)
        made = made_of(frame)
        pixels, mark = self._marked(frame, options, row, steps)
        steps.next("Encoding", 0.6)
        claim = self._claim(sized, options, made, mark, row, pixels)
        kind = claim.source_type
        picture = encode(pixels, format, xmp=xmp_of(kind, row.created), text=text_of(kind))
        steps.next("Signing", 0.75)
        signed = sign_picture(picture, f"image/{format}", claim, identity, options.time_authority)
        steps.next("Checking", 0.85)
        found = self._read_back(signed)
        _check(found, signed, claim, format, pixels)
        steps.next("Writing", 0.95)
        write_temporary(row.temporary, signed)
        digest = hashlib.sha256(signed).hexdigest()
        self.ledger.stage(
            row.id,
            recipe=sized,
            sha256=digest,
            pixels_sha256=made.pixels_sha256,
            signer=identity.chain.fingerprint,
            manifest=found.manifest,
            fingerprints=fingerprints(pixels),
            receipt=receipt_of(made, mark, pixels),
        )
        steps.check()
        put_in_place(row.temporary, row.path)
        return Receipt(
            path=row.path,
            sha256=digest,
            pixels_sha256=made.pixels_sha256,
            recipe=sized,
            backend=frame.backend,
            versions=made.versions,
            verdict=found.verdict,
            ledger_id=row.id,
            signer=identity.chain.name,
            notice=_notice(
                identity, claim, self._word(options, pixels, mark), self.ledger.problems
            ),
            mark=mark,
        )

    def _claim(
        self,
        sized: Recipe,
        options: ExportOptions,
        made: Made,
        mark: Mark | None,
        row: Row,
        pixels: Pixels,
    ) -> Claim:
        return Claim(
            id=row.id,
            recipe=sized,
            made=made,
            when=row.created,
            tier=options.tier,
            thumbnail=thumbnail(pixels, _THUMBNAIL_SIDE, _THUMBNAIL_BYTES),
            title=options.title,
            salt=row.salt,
            photos=self.photos(sized),
            allowed_uses=options.allowed_uses,
            mark=mark,
            sheet=self.sheet,
            parts=self.parts_of(self.sheet or (sized,)),
        )

    def _read_back(self, signed: bytes) -> Credentials:
        return read_credentials(
            signed,
            own_roots_pem=self.identity.own_roots(),
            own_leaves=self.identity.own_leaves(),
        )

    def _marked(
        self, frame: Frame, options: ExportOptions, row: Row, steps: _Steps
    ) -> tuple[Pixels, Mark | None]:
        """The pixels as they leave, and the mark that they carry, if any."""
        if self.watermark is None or not options.watermark:
            return frame.pixels, None
        steps.next("Marking", 0.5)
        marked = self.watermark(frame.pixels, row.mark)
        return (frame.pixels, None) if marked is None else marked

    def _word(self, options: ExportOptions, pixels: Pixels, mark: Mark | None) -> str:
        """What is to be told of the mark."""
        if self.watermark is None or not options.watermark:
            return ""
        if mark is None:
            return self.why_unmarked(pixels)
        return weakness(pixels) if mark.algorithm == ALGORITHM else ""

    def _render(self, recipe: Recipe, size_px: int | None) -> tuple[Recipe, Frame]:
        """The Recipe with its visible Resize, and its picture."""
        if size_px is None:
            return recipe, self.render(recipe)
        size = size_of(recipe.image, self.resolution)
        if size is None:
            pixels = self.render(recipe).pixels
            size = (pixels.shape[1], pixels.shape[0])
        sized = resized(recipe, size, size_px)
        return sized, self.render(sized)

    def parts_of(self, recipes: Iterable[Recipe]) -> tuple[ModelRef, ...]:
        """What the models of Recipes work through, each once."""
        models = dict.fromkeys(model for recipe in recipes for model in models_of(recipe))
        return tuple(dict.fromkeys(part for model in models for part in self.parts(model)))

    def photos(self, recipe: Recipe) -> tuple[OpenedPhoto, ...]:
        """The pictures from outside that take part, in the order of origin.photos_of."""
        found = []
        for sha256 in photos_of(recipe):
            data = self.photo(sha256)
            kind = sniff(data)
            if kind is None:
                raise ExportError(f"The photo {sha256[:12]} is not a picture that is read here.")
            found.append(OpenedPhoto(data, kind.mime, has_credentials(data, kind.mime)))
        return tuple(found)


class _Steps:
    """Tells how far the export is, and stops it between two steps."""

    def __init__(self, progress: OnProgress | None, cancel: CancelToken) -> None:
        self._progress = progress
        self._cancel = cancel

    def check(self) -> None:
        self._cancel.check()

    def next(self, stage: str, fraction: float) -> None:
        self.check()
        if self._progress is not None:
            self._progress(Progress(stage, fraction))


def _notice(identity: Unlocked, claim: Claim, marking: str, problems: tuple[str, ...]) -> str:
    """What is to be told with the receipt."""
    ledger = f"Your ledger was changed by somebody else: {problems[0]}" if problems else ""
    dropped = claim.tier != "recipe" and any(photo.has_credentials for photo in claim.photos)
    words = "The photo's own credentials were left out: they carry its thumbnail and place."
    return " ".join(
        part for part in (identity.notice, marking, words if dropped else "", ledger) if part
    )


def _format_of(path: Path) -> FormatName:
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise ExportError(
            f"Pictures are exported as {_ENDINGS}, got {path.suffix or 'no ending'!r}.",
            "Give the file a name with one of these endings.",
        )
    return found


def _check(
    found: Credentials, signed: bytes, claim: Claim, format: FormatName, pixels: Pixels
) -> None:
    """Refuse to hand out what would not verify as what it claims to be."""
    told = claim.tier != "recipe" or found.recipe == claim.recipe
    kept = format not in LOSSLESS or np.array_equal(read_picture(signed), pixels)
    bad_parent = any(part["faults"] for part in found.claim.get("ingredients", ()))
    if bad_parent and found.verdict == "invalid":
        raise ExportError(
            "The photo's own credentials do not pass, so no picture can vouch for it.",
            "Save the photo again without credentials, and open that file.",
        )
    if found.verdict != "own" or not told or not kept:
        raise ExportError(
            f"The export does not verify ({found.verdict}), so it was not kept.",
            "Try again; if it stays, renew the signing identity.",
        )
