"""Finding a picture in the ledger: by its bytes, its credentials, its mark, or its looks."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import LedgerError, RecipeError
from engine.frame import Finding, LedgerMatch, MarkFound, MatchBy
from engine.image.codec import Picture
from engine.provenance.fingerprint import SIZE, FingerprintIndex, Pixels
from engine.provenance.ledger import LEAST_SCORE, Ledger, Row
from engine.provenance.likeness import likeness
from engine.provenance.verify import Credentials
from engine.recipe import Recipe
from engine.services.extracts import Extracts

ReadMark = Callable[[Pixels], MarkFound | None]
"""Looks for an invisible mark; None where there is none."""


@dataclass(frozen=True)
class Lookup:
    """What is asked besides the file: the ledger, where there is one, and a decoder of marks.

    remarks: what the decoder has to say of itself once it was asked.
    """

    ledger: Callable[[], Ledger | None] = lambda: None
    read_mark: ReadMark | None = None
    extracts: Extracts | None = None
    remarks: Callable[[], tuple[str, ...]] = tuple

    def mark(self, picture: Picture | None) -> MarkFound | None:
        """The invisible mark of the picture."""
        if picture is None or self.read_mark is None:
            return None
        return self.read_mark(picture.pixels)

    def match(
        self, data: bytes, found: Credentials, mark: MarkFound | None, picture: Picture | None
    ) -> tuple[LedgerMatch | None, tuple[str, ...]]:
        """The row that this file is or may be of, and what is to be noted of the ledger itself."""
        try:
            ledger = self.ledger()
            if ledger is None:
                return None, ()
            notes = tuple(f"Your ledger: {problem}" for problem in ledger.problems)
            return _match(ledger, data, found, mark, picture), notes
        except LedgerError as error:
            return None, (f"Your ledger was not asked: {error.what}",)

    def elsewhere(
        self, data: bytes, mark: MarkFound | None, picture: Picture | None
    ) -> tuple[Finding, ...]:
        """What the extracts of other ledgers tell of the file."""
        if self.extracts is None:
            return ()
        pixels = None if picture is None else picture.pixels
        match = self.extracts.find(data, pixels, None if mark is None else mark.id)
        if match is None:
            return ()
        known = "" if match.extract.trusted else ", who is not verified,"
        what = "this very file" if match.by == "file" else "a possible match"
        score = "" if match.by == "file" else f", score {match.score:.2f} of 1"
        return (
            Finding(
                None,
                f"A ledger extract signed by “{match.extract.signer}”{known} has {what}: "
                f"row {match.row.id[:8]}{score}.",
            ),
        )


def _match(
    ledger: Ledger,
    data: bytes,
    found: Credentials,
    mark: MarkFound | None,
    picture: Picture | None,
) -> LedgerMatch | None:
    row = ledger.find_file(hashlib.sha256(data).hexdigest())
    if row is not None:
        return _told(row, "file", 1.0)
    row = ledger.find_manifest(found.manifest)
    if row is not None and found.verdict == "own":
        return _told(row, "credentials", 1.0)
    # A mark is a pointer and no proof: it can be copied. The pictures are compared.
    row = None if mark is None or mark.id is None else ledger.find_mark(mark.id)
    if row is not None and picture is not None and len(row.fingerprints) == SIZE:
        return _told(row, "watermark", _alike(row, picture.pixels))
    alike = () if picture is None else ledger.search(picture.pixels, LEAST_SCORE, 1)
    return _told(alike[0][0], "looks", alike[0][1]) if alike else None


def _alike(row: Row, pixels: Pixels) -> float:
    """How alike the pictures are: as a whole, or as a part of the small one that the row keeps."""
    whole = FingerprintIndex([row.fingerprints]).search(pixels, 0.0)[0].score
    if whole >= LEAST_SCORE:
        return whole
    try:
        small = base64.b64decode(str(row.receipt.get("small", "")), validate=True)
        return max(whole, likeness(pixels, small)) if small else whole
    except ValueError:
        return whole


def _told(row: Row, by: MatchBy, score: float) -> LedgerMatch:
    try:
        recipe: Recipe | None = Recipe.from_json(row.recipe)
    except RecipeError:
        recipe = None
    return LedgerMatch(
        row.id,
        by,
        score,
        row.created,
        row.status,
        row.path,
        recipe,
        row.receipt,
    )


def mark_finding(mark: MarkFound | None, match: LedgerMatch | None) -> Finding | None:
    """What a mark tells that led to no row: that it is somebody else's, or of no row here."""
    if mark is None or (match is not None and match.by != "looks"):
        return None
    if mark.id is None:
        return Finding(
            None,
            f"An invisible mark reads as a TrustMark ({mark.algorithm}) that is not of this "
            "ledger: another program wrote it, or chance did.",
        )
    return Finding(
        None, f"An invisible mark has the id {mark.id:010x}, which was not found in your ledger."
    )


def match_finding(match: LedgerMatch) -> Finding:
    """The match in words."""
    name = match.row[:8]
    if match.by == "file":
        return Finding(None, f"Your ledger has this very file, exported {match.created[:10]}.")
    if match.by == "credentials":
        return Finding(None, f"These credentials are those of row {name} in your ledger.")
    if match.score < LEAST_SCORE:
        text = f"A mark points to row {name} in your ledger, but the pictures are not alike (score "
        return Finding(None, f"{text}{match.score:.2f} of 1): a mark can be copied.")
    how = "by its mark" if match.by == "watermark" else "by its looks"
    return Finding(
        None, f"Possible match in your ledger {how}: row {name}, score {match.score:.2f} of 1."
    )
