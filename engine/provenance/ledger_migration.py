"""Ledgers of version 1 (one row an export, changed in place) become logs of version 2."""

from __future__ import annotations

import secrets
import sqlite3
from typing import Any

from engine.provenance.ledger_file import make_schema
from engine.provenance.ledger_key import Head, LedgerKey
from engine.provenance.ledger_log import Entry, append

VERSION_1 = (
    """CREATE TABLE exports (
        id TEXT PRIMARY KEY NOT NULL,
        created TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('pending', 'done', 'failed')),
        path TEXT NOT NULL,
        temporary TEXT NOT NULL,
        owner TEXT NOT NULL,
        recipe TEXT NOT NULL,
        model TEXT NOT NULL,
        tier TEXT NOT NULL,
        salt BLOB NOT NULL,
        signer TEXT NOT NULL DEFAULT '',
        sha256 TEXT NOT NULL DEFAULT '',
        pixels_sha256 TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX exports_by_status ON exports (status)",
    "CREATE INDEX exports_by_sha256 ON exports (sha256)",
)
MARK_BITS = 40


def migrate(db: sqlite3.Connection, key: LedgerKey) -> Head | None:
    """Carry every row over, in its order, within the transaction that is open.

    Whatever was not asked for in version 1 stays empty: fingerprints and manifest. Rows that a
    crash left pending stay so, to be settled as any other.
    """
    cursor = db.execute("SELECT * FROM exports ORDER BY rowid")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, values, strict=True)) for values in cursor]
    db.execute("DROP TABLE exports")
    make_schema(db)
    head: Head | None = None
    taken: set[int] = set()
    for row in rows:
        mark = secrets.randbits(MARK_BITS)
        while mark in taken:
            mark = secrets.randbits(MARK_BITS)
        taken.add(mark)
        for entry in _entries(row, mark):
            head = append(db, key, entry)
    return head


def _entries(row: dict[str, Any], mark: int) -> list[Entry]:
    begun = ("created", "path", "temporary", "owner", "recipe", "model", "tier")
    body = {**{name: row[name] for name in begun}, "salt": bytes(row["salt"]).hex(), "from": 1}
    entries = [Entry(row["id"], "pending", mark, body)]
    if row["sha256"]:
        told = {name: row[name] for name in ("recipe", "pixels_sha256", "signer")}
        entries.append(Entry(row["id"], "staged", mark, told, sha256=row["sha256"]))
    if row["status"] in ("done", "failed"):
        entries.append(Entry(row["id"], row["status"], mark, {}))
    return entries
