"""The ledger: one row an export, written before and after the file, so that neither is lost.

A row is `pending` from before the render until the file lies at its path; it then says `done`.
What a crash left pending is settled at the next start by looking at the file itself. Rows are kept
as a log to which steps are only ever added; see ledger_log.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from engine.errors import LedgerError
from engine.frame import Tier
from engine.provenance import ledger_log as log
from engine.provenance.fingerprint import SIZE, FingerprintIndex, Pixels
from engine.provenance.ledger_file import SCHEMA_VERSION, LedgerFile
from engine.provenance.ledger_key import Head, LedgerKey, read_head, write_head
from engine.provenance.ledger_migration import MARK_BITS, VERSION_1, migrate
from engine.provenance.ledger_rows import (
    Row,
    Status,
    alive,
    is_ours,
    row_of,
    sha256_of,
    this_process,
)
from engine.provenance.origin import models_of
from engine.provenance.vault import Vault
from engine.recipe import Recipe
from engine.store import sweep

__all__ = ["Ledger", "Row", "Status"]

LEAST_SCORE = 0.5
"""Of 400 drawn portraits, which are all alike, none came nearer to another one than 0.44."""
_CHUNK = 500


class Ledger:
    """Opens, or makes, the ledger at a path. Every method may raise LedgerError.

    Any thread and any process may call at once; each call waits for the others. Beside the
    database lie its key and its signed head. problems: what is missing, altered or cut off, in
    words; a ledger that has some still works, and keeps telling. vault: seals the key.
    """

    def __init__(self, path: Path, vault: Vault | None = None) -> None:
        self._file = LedgerFile(path, {1: VERSION_1})
        self._key = LedgerKey(path.with_suffix(".key"), vault)
        self._head = path.with_suffix(".head")
        self.problems: tuple[str, ...] = ()
        self._index: tuple[int, list[str], FingerprintIndex] | None = None
        with self._file.transaction() as db:
            # Asked anew, for another process may have migrated it in between.
            older = db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION
            if older:
                # A head can only be there from a migration that a crash undid.
                self._head.unlink(missing_ok=True)
                migrate(db, self._key)
            # A ledger begins with a head: from then on a missing one is a sign.
            if older or not log.tail(db).count:
                self._write_head(log.tail(db))
        self.check()

    def check(self) -> tuple[str, ...]:
        """Look through the whole ledger; what is wrong with it."""
        with self._file.transaction() as db:
            found: list[str] = []
            head: Head | None = None
            try:
                head = read_head(self._head, self._key)
            except ValueError as error:
                found.append(f"Its signed head is not to be relied on: {error}.")
            if head is None and not found and log.tail(db).count:
                found.append("Its signed head is missing.")
            self.problems = (*log.faults(db, self._key, head), *found)
        return self.problems

    def reserve(self, recipe: Recipe, path: Path, tier: Tier, salt: bytes = b"") -> Row:
        """Begin an export: a pending row with random ids, and a temporary name beside `path`.

        Row.mark, of 40 bits, is what an invisible mark can carry; no two rows have the same.
        """
        name = secrets.token_hex(16)
        target = Path(os.path.abspath(path))
        body = {
            "created": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "path": str(target),
            "temporary": str(target.parent / f".atelier-{name}.part"),
            "owner": this_process(),
            "recipe": recipe.canonical.decode("utf-8"),
            "model": ", ".join(f"{m.name} {m.sha256}" for m in models_of(recipe)),
            "tier": tier,
            "salt": salt.hex(),
        }
        with self._appending() as db:
            entry = log.Entry(name, "pending", _free_mark(db), body)
            log.append(db, self._key, entry)
        return row_of([entry])

    def stage(
        self,
        id: str,
        *,
        recipe: Recipe,
        sha256: str,
        pixels_sha256: str,
        signer: str,
        manifest: str = "",
        fingerprints: bytes = b"",
        receipt: Mapping[str, Any] | None = None,
    ) -> None:
        """Say, before the file appears at its path, what it will be. The row stays pending."""
        body = {
            "recipe": recipe.canonical.decode("utf-8"),
            "pixels_sha256": pixels_sha256,
            "signer": signer,
            "receipt": dict(receipt or {}),
        }
        with self._appending() as db:
            found = _entries(db, [id])
            if id in found and found[id][-1].step == "pending":
                mark = found[id][0].mark
                entry = log.Entry(id, "staged", mark, body, sha256, manifest, fingerprints)
                log.append(db, self._key, entry)

    def complete(self, id: str) -> None:
        """The file lies at its path: the row is done."""
        self._settle(id, "done")

    def fail(self, id: str) -> None:
        """Nothing came of it: the row says so."""
        self._settle(id, "failed")

    def rows(self, status: Status | None = None, limit: int = 1000) -> tuple[Row, ...]:
        """The newest rows first."""
        steps = {None: (), "pending": ("pending", "staged")}.get(status, (status,))
        wanted = f" AND last.step IN ({','.join('?' * len(steps))})" if steps else ""
        query = (
            "SELECT first.id FROM entries AS first"
            " JOIN (SELECT id, step, max(seq) FROM entries GROUP BY id) AS last"
            f" ON last.id = first.id WHERE first.step = 'pending'{wanted}"
            " ORDER BY first.seq DESC LIMIT ?"
        )
        with self._file.transaction() as db:
            ids = [str(row[0]) for row in db.execute(query, (*steps, limit))]
            found = _entries(db, ids)
        return tuple(row_of(found[id]) for id in ids)

    def find(self, id: str) -> Row | None:
        """The row with this id."""
        return self._one("id", id)

    def find_mark(self, mark: int) -> Row | None:
        """The row whose mark this is."""
        return self._one("step = 'pending' AND mark", mark) if 0 <= mark < 1 << MARK_BITS else None

    def find_file(self, sha256: str) -> Row | None:
        """The newest row whose exported file has this SHA-256."""
        return self._one("sha256 <> '' AND sha256", sha256)

    def find_manifest(self, label: str) -> Row | None:
        """The row of the export whose manifest has this label."""
        return self._one("manifest <> '' AND manifest", label)

    def search(
        self, pixels: Pixels, least: float = LEAST_SCORE, most: int = 5
    ) -> tuple[tuple[Row, float], ...]:
        """Rows whose pictures look like this one, the best first, with scores of at least `least`.

        For pictures that were saved again, resized, lightened, turned or cut at the edges.
        """
        ids, index = self._fingerprints()
        found = [(ids[hit.index], hit.score) for hit in index.search(pixels, least, most)]
        with self._file.transaction() as db:
            entries = _entries(db, [id for id, _ in found])
        return tuple((row_of(entries[id]), score) for id, score in found)

    def reconcile(self) -> tuple[Row, ...]:
        """Settle what a crash left pending, and remove its temporary files; the rows settled.

        A row is done when the file at its path has the SHA-256 that the row foretold, else failed.
        Rows of processes that still run are left alone.
        """
        sweep(self._head.parent)
        left = [row for row in self.rows("pending", limit=100_000) if not alive(row.owner)]
        for row in left:
            for temporary in (row.temporary, row.sidecar):
                if is_ours(temporary):
                    with suppress(OSError):
                        temporary.unlink(missing_ok=True)
            if row.sha256 and sha256_of(row.path) == row.sha256:
                self.complete(row.id)
            else:
                self.fail(row.id)
        return tuple(left)

    @contextmanager
    def _appending(self) -> Iterator[sqlite3.Connection]:
        """A transaction that adds to the log, and then the signed head that counts it."""
        with self._file.transaction() as db:
            yield db
        # In a transaction of its own: a head must never run ahead of what is in the database.
        with self._file.transaction() as db:
            self._write_head(log.tail(db))

    def _write_head(self, head: Head) -> None:
        """Move the head on, but never away from a ledger that no longer agrees with it."""
        with suppress(OSError, ValueError):
            before = read_head(self._head, self._key)
            if before is None and self.problems:
                return
            if before is None or log.agrees(self._file.connection, before):
                write_head(self._head, self._key, head)

    def _settle(self, id: str, step: Literal["done", "failed"]) -> None:
        with self._appending() as db:
            found = _entries(db, [id])
            if id in found and found[id][-1].step in ("pending", "staged"):
                log.append(db, self._key, log.Entry(id, step, found[id][0].mark, {}))

    def _one(self, where: str, value: str | int) -> Row | None:
        query = f"SELECT id FROM entries WHERE {where} = ? ORDER BY seq DESC LIMIT 1"
        with self._file.transaction() as db:
            found = db.execute(query, (value,)).fetchone()
            entries = {} if found is None else _entries(db, [str(found[0])])
        return row_of(next(iter(entries.values()))) if entries else None

    def _fingerprints(self) -> tuple[list[str], FingerprintIndex]:
        """The index, read anew only where something was added."""
        with self._file.transaction() as db:
            count = log.tail(db).count
            if self._index is None or self._index[0] != count:
                query = "SELECT id, fingerprints FROM entries WHERE step = 'staged'"
                found = [(id, bytes(data)) for id, data in db.execute(query) if len(data) == SIZE]
                index = FingerprintIndex([data for _, data in found])
                self._index = (count, [str(id) for id, _ in found], index)
            return self._index[1:]


def _free_mark(db: sqlite3.Connection) -> int:
    for _ in range(100):
        mark = secrets.randbits(MARK_BITS)
        query = "SELECT 1 FROM entries WHERE step = 'pending' AND mark = ?"
        if db.execute(query, (mark,)).fetchone() is None:
            return mark
    raise LedgerError("The ledger has no free id.", "Move it away to begin a new one.")


def _entries(db: sqlite3.Connection, ids: list[str]) -> dict[str, list[log.Entry]]:
    """The steps of each of these exports, in their order."""
    found: dict[str, list[log.Entry]] = {}
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        for entry in log.read(db, part):
            found.setdefault(entry.id, []).append(entry)
    return found
