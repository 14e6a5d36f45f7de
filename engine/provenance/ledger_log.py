"""The ledger's log: entries that are only ever added, each bound to the one before and signed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.provenance.ledger_key import Head, LedgerKey

Step = Literal["pending", "staged", "done", "failed"]
SCHEMA = (
    """CREATE TABLE entries (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        step TEXT NOT NULL CHECK (step IN ('pending', 'staged', 'done', 'failed')),
        mark INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        manifest TEXT NOT NULL,
        fingerprints BLOB NOT NULL,
        body TEXT NOT NULL,
        previous BLOB NOT NULL,
        hash BLOB NOT NULL,
        signature BLOB NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX entries_by_id ON entries (id, step)",
    "CREATE UNIQUE INDEX entries_by_mark ON entries (mark) WHERE step = 'pending'",
    "CREATE INDEX entries_by_sha256 ON entries (sha256) WHERE sha256 <> ''",
    "CREATE INDEX entries_by_manifest ON entries (manifest) WHERE manifest <> ''",
    "CREATE INDEX entries_by_looks ON entries (id, fingerprints) WHERE step = 'staged'",
    "CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries"
    " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    "CREATE TRIGGER entries_never_leave BEFORE DELETE ON entries"
    " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
)
_COLUMNS = "seq, id, step, mark, sha256, manifest, fingerprints, body, previous"
_NOTHING = bytes(32)
_MOST_FAULTS = 5


@dataclass(frozen=True)
class Entry:
    """One step of one export. body: the rest of what the step says, JSON data."""

    id: str
    step: Step
    mark: int
    body: Mapping[str, Any]
    sha256: str = ""
    manifest: str = ""
    fingerprints: bytes = b""


def append(db: sqlite3.Connection, key: LedgerKey, entry: Entry) -> Head:
    """Add an entry within the transaction that is open; the head after it."""
    last = tail(db)
    body = json.dumps(dict(entry.body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    values = (
        last.count + 1,
        entry.id,
        entry.step,
        entry.mark,
        entry.sha256,
        entry.manifest,
        entry.fingerprints,
        body,
        last.digest,
    )
    digest = _digest(values)
    db.execute(
        f"INSERT INTO entries ({_COLUMNS}, hash, signature) VALUES ({','.join('?' * 11)})",
        (*values, digest, key.sign(digest)),
    )
    return Head(last.count + 1, digest)


def read(db: sqlite3.Connection, ids: list[str]) -> Iterator[Entry]:
    """The entries of these exports, in their order."""
    query = (
        "SELECT id, step, mark, body, sha256, manifest, fingerprints FROM entries"
        f" WHERE id IN ({','.join('?' * len(ids))}) ORDER BY seq"
    )
    for id, step, mark, body, sha256, manifest, fingerprints in db.execute(query, ids):
        try:
            data = json.loads(body)
        except ValueError:
            data = {}  # altered: `faults` tells so
        yield Entry(
            id,
            step,
            mark,
            data if isinstance(data, dict) else {},
            sha256,
            manifest,
            bytes(fingerprints),
        )


def tail(db: sqlite3.Connection) -> Head:
    """The number and hash of the last entry."""
    found = db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(0, _NOTHING) if found is None else Head(found[0], bytes(found[1]))


def agrees(db: sqlite3.Connection, head: Head) -> bool:
    """Whether the ledger still has the entry that the head names."""
    if head.count == 0:
        return head.digest == _NOTHING
    found = db.execute("SELECT hash FROM entries WHERE seq = ?", (head.count,)).fetchone()
    return found is not None and bytes(found[0]) == head.digest


def faults(db: sqlite3.Connection, key: LedgerKey, head: Head | None) -> list[str]:
    """What is missing, altered, foreign or cut off, in words.

    Hashes are all computed anew. Signatures are checked of what the signed head does not vouch
    for, and of every entry where something is wrong.
    """
    found = _chain_faults(db, key, head.count if head is not None else 0)
    if head is not None and not agrees(db, head):
        count = tail(db).count
        if count < head.count:
            lost = head.count - count
            found.append(f"Its end was cut off: {lost} of {head.count} entries are gone.")
        else:
            found.append("It is not the ledger whose head was signed.")
            found += [x for x in _chain_faults(db, key, 0) if x not in found]
    return found[:_MOST_FAULTS]


def _chain_faults(db: sqlite3.Connection, key: LedgerKey, vouched: int) -> list[str]:
    found: list[str] = []
    expected, previous = 1, _NOTHING
    rows = db.execute(f"SELECT {_COLUMNS}, hash, signature FROM entries ORDER BY seq")
    for *values, digest, signature in rows:
        seq = values[0]
        if seq != expected:
            found.append(f"Entries {expected} to {seq - 1} are missing.")
        elif values[8] != previous:
            found.append(f"Entry {seq} does not follow the one before it.")
        if _digest(tuple(values)) != digest:
            found.append(f"Entry {seq} was altered.")
        elif (seq > vouched or found) and not key.holds(digest, signature):
            found.append(f"Entry {seq} was not written by this installation.")
        expected, previous = seq + 1, digest
        if len(found) >= _MOST_FAULTS:
            break
    return found


def _digest(values: tuple[Any, ...]) -> bytes:
    """SHA-256 over the fields, each with its length before it."""
    digest = hashlib.sha256(b"latent-atelier ledger entry 2\x00")
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()
