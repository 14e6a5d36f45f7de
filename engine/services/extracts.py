"""Signed extracts of the ledger: written for others, and those of others kept and searched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from engine.errors import LedgerError
from engine.image.codec import read_bytes
from engine.provenance.fingerprint import FingerprintIndex, Pixels
from engine.provenance.keys import Identity
from engine.provenance.ledger import LEAST_SCORE, Ledger
from engine.provenance.ledger_extract import Extract, ExtractRow, read_extract, write_extract
from engine.store import replacing, write_remedy

_MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class ForeignMatch:
    """A picture found in an extract. by: "file", "watermark" or "looks"; score in [0, 1]."""

    extract: Extract
    row: ExtractRow
    by: str
    score: float


def export_extract(
    ledger: Ledger, identity: Identity, path: Path, passphrase_file: Path | None = None
) -> int:
    """Write all exports that were completed; how many. Raises LedgerError or IdentityError."""
    if ledger.problems:
        raise LedgerError(
            f"The ledger is not whole, so nothing is signed from it: {ledger.problems[0]}",
            "Restore it from a backup, or move it away to begin a new one.",
        )
    rows = ledger.rows("done", _MOST_ROWS)
    data = write_extract(rows, identity.unlock(passphrase_file))
    _write(path, data)
    return len(rows)


class Extracts:
    """The extracts of others, kept in HOME/extracts. Each is checked again whenever it is read.

    anchors_pem, own_leaves: who is trusted; see ledger_extract.read_extract.
    """

    def __init__(
        self, folder: Path, anchors_pem: str = "", own_leaves: frozenset[str] = frozenset()
    ) -> None:
        self._folder = folder
        self._trust = (anchors_pem, own_leaves)

    def keep(self, path: Path) -> Extract:
        """Check an extract and keep it. Raises LedgerError or ImageError."""
        data = read_bytes(path, "extract")
        extract = self._read(data)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"Cannot write to {self._folder}: {error.strerror}.", write_remedy(error)
            ) from error
        _write(self._folder / f"{hashlib.sha256(data).hexdigest()[:32]}.json", data)
        return extract

    def all(self) -> tuple[Extract, ...]:
        """Every extract that still holds; one that was changed since is left out."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(self._read(path.read_bytes()))
            except (LedgerError, OSError):
                continue
        return tuple(found)

    def find(self, data: bytes, pixels: Pixels | None, mark: int | None) -> ForeignMatch | None:
        """The best match of a file among all extracts."""
        sha256 = hashlib.sha256(data).hexdigest()
        best: ForeignMatch | None = None
        for extract in self.all():
            for row in extract.rows:
                if row.sha256 == sha256:
                    return ForeignMatch(extract, row, "file", 1.0)
            found = _alike(extract, pixels, mark)
            if found is not None and (best is None or found.score > best.score):
                best = found
        return best

    def _read(self, data: bytes) -> Extract:
        anchors, leaves = self._trust
        return read_extract(data, anchors_pem=anchors, own_leaves=leaves)


def _alike(extract: Extract, pixels: Pixels | None, mark: int | None) -> ForeignMatch | None:
    if pixels is None:
        return None
    rows = [row for row in extract.rows if row.fingerprints]
    marked = [row for row in rows if mark is not None and row.mark == mark]
    asked, by, least = (marked, "watermark", 0.0) if marked else (rows, "looks", LEAST_SCORE)
    hits = FingerprintIndex([row.fingerprints for row in asked]).search(pixels, least, 1)
    return ForeignMatch(extract, asked[hits[0].index], by, hits[0].score) if hits else None


def _write(path: Path, data: bytes) -> None:
    try:
        with replacing(path, 0o644) as file:
            file.write(data)
    except OSError as error:
        raise LedgerError(
            f"Cannot write the extract {path}: {error.strerror or error}.", write_remedy(error)
        ) from error
