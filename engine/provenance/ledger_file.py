"""Opening the ledger's SQLite file so that a hostile or foreign one can do no harm."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engine.errors import LedgerError
from engine.provenance.ledger_log import SCHEMA

SCHEMA_VERSION = 2
APPLICATION_ID = 0x4C417431  # "LAt1"
BUSY_S = 60.0  # SQLite lets those who wait try again now and then, whoever waited longest
LONGEST_S = 60.0  # for the work itself: a hostile file may ask for more


class LedgerFile:
    """One connection to the ledger, lent to one thread at a time."""

    def __init__(self, path: Path, older: Mapping[int, tuple[str, ...]] | None = None) -> None:
        """older: the schemas of earlier versions that may be opened, to be migrated."""
        self.path = path
        self._schemas = {SCHEMA_VERSION: SCHEMA, **(older or {})}
        self._lock = threading.Lock()
        self._end = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # It holds Recipes and salts: SQLite itself would let others read it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise LedgerError(
                f"Cannot write the ledger {path}: {error.strerror}.",
                "Check the folder's permissions and the space on the disk.",
            ) from error
        try:
            self._db = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise _told(path, error) from error
        weakref.finalize(self, self._db.close)
        self._db.set_progress_handler(lambda: time.monotonic() > self._end, 10_000)
        self._pragmas("trusted_schema = OFF", "cell_size_check = ON", "synchronous = FULL")
        with self.transaction() as db:
            self._prepare(db)
        # Only now: a file that is not ours must not be changed.
        self._write_ahead()

    @property
    def connection(self) -> sqlite3.Connection:
        """To be used within a transaction only."""
        return self._db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The block is one transaction, undone where it fails. Raises LedgerError."""
        with self._lock:
            self._end = time.monotonic() + LONGEST_S
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._end = time.monotonic() + LONGEST_S
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise _told(self.path, error) from error
            finally:
                if self._db.in_transaction:
                    self._db.rollback()

    def _pragmas(self, *settings: str) -> None:
        self._end = time.monotonic() + LONGEST_S
        try:
            for setting in settings:
                self._db.execute(f"PRAGMA {setting}")
        except sqlite3.Error as error:
            raise _told(self.path, error) from error

    def _write_ahead(self) -> None:
        """Switch to a write-ahead log. Others who open a new ledger at the same moment may have to
        be waited for, which SQLite does not do here by itself."""
        end = time.monotonic() + BUSY_S
        while True:
            try:
                self._pragmas("journal_mode = WAL")
                return
            except LedgerError as error:
                code = getattr(error.__cause__, "sqlite_errorcode", 0)
                if code & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Make the schema where the file is new; accept a known one, to the letter.

        An older ledger is left as it is, to be migrated.
        """
        version = db.execute("PRAGMA user_version").fetchone()[0]
        application = db.execute("PRAGMA application_id").fetchone()[0]
        found = {
            squeezed(sql)
            for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
        }
        if not found and version == 0:
            make_schema(db)
        elif application == APPLICATION_ID and version > SCHEMA_VERSION:
            raise LedgerError(
                f"The ledger {self.path} was written by a newer version of this program.",
                "Install that version, or move the ledger away to begin a new one.",
            )
        else:
            known = {squeezed(statement) for statement in self._schemas.get(version, ())}
            if application != APPLICATION_ID or not known or found != known:
                raise LedgerError(
                    f"The file {self.path} is not a ledger of this program, or it was tampered "
                    "with.",
                    "Move it away to begin a new one.",
                )


def make_schema(db: sqlite3.Connection) -> None:
    """An empty ledger of the present version, within the transaction that is open."""
    for statement in SCHEMA:
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def squeezed(sql: str) -> str:
    """A statement with its white space made single spaces."""
    return re.sub(r"\s+", " ", sql).strip()


def _told(path: Path, error: sqlite3.Error) -> LedgerError:
    reason = str(error)
    if "full" in reason or "disk I/O" in reason:
        return LedgerError(
            f"The disk is full or failing: {path}.", "Free some space and try again."
        )
    if "locked" in reason or "busy" in reason:
        return LedgerError(f"The ledger {path} is in use.", "Close other windows and try again.")
    if "readonly" in reason or "unable to open" in reason:
        return LedgerError(f"The ledger {path} cannot be written.", "Check its permissions.")
    return LedgerError(
        f"The ledger {path} cannot be read: {reason[:100]}.", "Move it away to begin a new one."
    )
