"""The ledger: one row an export, written before and after the file, so that neither is lost.

A row is `pending` from before the render until the file lies at its path; it then says `done`.
What a crash left pending is settled at the next start by looking at the file itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import secrets
import sqlite3
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

import psutil

from engine.frame import Tier
from engine.provenance.ledger_file import LedgerFile
from engine.provenance.origin import models_of
from engine.recipe import Recipe

Status = Literal["pending", "done", "failed"]


@dataclass(frozen=True)
class Row:
    """One export. created: ISO 8601, UTC. recipe: the canonical text. Hashes are lower-case hex."""

    id: str
    created: str
    status: Status
    path: Path
    temporary: Path
    owner: str
    recipe: str
    model: str
    tier: Tier
    salt: bytes
    signer: str
    sha256: str
    pixels_sha256: str


_NAMES = tuple(field.name for field in fields(Row))
_COLUMNS = ", ".join(_NAMES)


class Ledger:
    """Opens, or makes, the ledger at a path. Every method may raise LedgerError.

    Any thread and any process may call at once; each call waits for the others.
    """

    def __init__(self, path: Path) -> None:
        self._file = LedgerFile(path)

    def reserve(self, recipe: Recipe, path: Path, tier: Tier, salt: bytes = b"") -> Row:
        """Begin an export: a pending row with a random id, and a temporary name beside `path`."""
        name = secrets.token_hex(16)
        target = Path(os.path.abspath(path))
        row = Row(
            id=name,
            created=dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            status="pending",
            path=target,
            temporary=target.parent / f".atelier-{name}.part",
            owner=_this_process(),
            recipe=recipe.canonical.decode("utf-8"),
            model=", ".join(f"{m.name} {m.sha256}" for m in models_of(recipe)),
            tier=tier,
            salt=salt,
            signer="",
            sha256="",
            pixels_sha256="",
        )
        plain = (getattr(row, name) for name in _NAMES)
        values = [str(value) if isinstance(value, Path) else value for value in plain]
        with self._file.transaction() as db:
            db.execute(
                f"INSERT INTO exports ({_COLUMNS}) VALUES ({','.join('?' * len(values))})", values
            )
        return row

    def stage(
        self, id: str, *, recipe: Recipe, sha256: str, pixels_sha256: str, signer: str
    ) -> None:
        """Say, before the file appears at its path, what it will be. The row stays pending."""
        with self._file.transaction() as db:
            db.execute(
                "UPDATE exports SET recipe = ?, sha256 = ?, pixels_sha256 = ?, signer = ?"
                " WHERE id = ? AND status = 'pending'",
                (recipe.canonical.decode("utf-8"), sha256, pixels_sha256, signer, id),
            )

    def complete(self, id: str) -> None:
        """The file lies at its path: the row is done."""
        self._settle(id, "done")

    def fail(self, id: str) -> None:
        """Nothing came of it: the row says so."""
        self._settle(id, "failed")

    def rows(self, status: Status | None = None, limit: int = 1000) -> tuple[Row, ...]:
        """The newest rows first."""
        where, values = ("", ()) if status is None else (" WHERE status = ?", (status,))
        with self._file.transaction() as db:
            found = db.execute(
                f"SELECT {_COLUMNS} FROM exports{where} ORDER BY rowid DESC LIMIT ?",
                (*values, limit),
            ).fetchall()
        return tuple(_row(values) for values in found)

    def find(self, id: str) -> Row | None:
        """The row with this id."""
        return self._one("id", id)

    def find_file(self, sha256: str) -> Row | None:
        """The newest row whose exported file has this SHA-256."""
        return self._one("sha256", sha256)

    def reconcile(self) -> tuple[Row, ...]:
        """Settle what a crash left pending, and remove its temporary files; the rows settled.

        A row is done when the file at its path has the SHA-256 that the row foretold, else failed.
        Rows of processes that still run are left alone.
        """
        left = [row for row in self.rows("pending", limit=100_000) if not _alive(row.owner)]
        for row in left:
            if _is_ours(row.temporary):
                row.temporary.unlink(missing_ok=True)
            if row.sha256 and _sha256_of(row.path) == row.sha256:
                self.complete(row.id)
            else:
                self.fail(row.id)
        return tuple(left)

    def _settle(self, id: str, status: Status) -> None:
        with self._file.transaction() as db:
            db.execute(
                "UPDATE exports SET status = ? WHERE id = ? AND status = 'pending'", (status, id)
            )

    def _one(self, column: Literal["id", "sha256"], value: str) -> Row | None:
        with self._file.transaction() as db:
            found = db.execute(
                f"SELECT {_COLUMNS} FROM exports WHERE {column} = ? ORDER BY rowid DESC LIMIT 1",
                (value,),
            ).fetchone()
        return None if found is None else _row(found)


def _row(values: sqlite3.Row | tuple[object, ...]) -> Row:
    named: dict[str, Any] = dict(zip(_NAMES, values, strict=True))
    text = {key: str(value) for key, value in named.items() if key != "salt"}
    return Row(
        id=text["id"],
        created=text["created"],
        status=cast(Status, text["status"]),
        path=Path(text["path"]),
        temporary=Path(text["temporary"]),
        owner=text["owner"],
        recipe=text["recipe"],
        model=text["model"],
        tier=cast(Tier, text["tier"]),
        salt=bytes(named["salt"]),
        signer=text["signer"],
        sha256=text["sha256"],
        pixels_sha256=text["pixels_sha256"],
    )


def _this_process() -> str:
    """Process id and start time: ids alone are used again."""
    return f"{os.getpid()}:{psutil.Process().create_time():.2f}"


def _alive(owner: str) -> bool:
    pid, _, started = owner.partition(":")
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == started
    except (psutil.Error, ValueError):
        return False


def _is_ours(temporary: Path) -> bool:
    """Only names that this program gives are ever removed, whatever a row says."""
    return temporary.name.startswith(".atelier-") and temporary.name.endswith(".part")


def _sha256_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
