"""The ledger: nothing acknowledged is lost, a crash is settled, hostile files are refused."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.errors import LedgerError
from engine.provenance.ledger import Ledger, Row
from engine.provenance.ledger_file import APPLICATION_ID, SCHEMA_VERSION
from tests.drawn import MODEL, generated

ROOT = Path(__file__).parents[2]

DYING = """
import sys, hashlib
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.drawn import generated
from engine.provenance.ledger import Ledger
folder = Path(sys.argv[2])
ledger = Ledger(folder / "ledger.sqlite3")
early = ledger.reserve(generated(1), folder / "early.png", "recipe")
early.temporary.write_bytes(b"half")
row = ledger.reserve(generated(2), folder / "whole.png", "recipe")
ledger.stage(row.id, recipe=generated(2, 512), sha256=hashlib.sha256(b"whole").hexdigest(),
             pixels_sha256="0" * 64, signer="f")
(folder / "whole.png").write_bytes(b"whole")
lost = ledger.reserve(generated(3), folder / "lost.png", "recipe")
ledger.stage(lost.id, recipe=generated(3), sha256="1" * 64, pixels_sha256="0" * 64, signer="f")
print("ready", flush=True)
sys.stdin.read()
"""

WRITING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.drawn import generated
from engine.provenance.ledger import Ledger
ledger = Ledger(Path(sys.argv[2]))
for seed in range(40):
    ledger.complete(ledger.reserve(generated(seed), Path("x.png"), "recipe").id)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "ledger.sqlite3"


def _done(ledger: Ledger, seed: int, content: bytes, folder: Path) -> Row:
    row = ledger.reserve(generated(seed), folder / f"{seed}.png", "recipe")
    digest = hashlib.sha256(content).hexdigest()
    ledger.stage(
        row.id, recipe=generated(seed, 512), sha256=digest, pixels_sha256="2" * 64, signer="f"
    )
    ledger.complete(row.id)
    return row


def test_a_row_tells_what_was_exported(path: Path, tmp_path: Path) -> None:
    ledger = Ledger(path)
    first, second = (_done(ledger, seed, b"x%d" % seed, tmp_path) for seed in (1, 2))
    newest, oldest = ledger.rows()
    assert (newest.id, oldest.id) == (second.id, first.id)
    assert newest.status == "done"
    assert newest.recipe == generated(2, 512).canonical.decode()
    assert newest.model == f"{MODEL.name} {MODEL.sha256}"
    assert newest.path == tmp_path / "2.png"
    assert ledger.find(first.id) == oldest
    assert ledger.find_file(hashlib.sha256(b"x2").hexdigest()) == newest
    assert ledger.find("0" * 32) is None


def test_ids_are_random_and_long(path: Path) -> None:
    ledger = Ledger(path)
    ids = {ledger.reserve(generated(), Path("x.png"), "recipe").id for _ in range(20)}
    assert len(ids) == 20
    assert all(len(id) == 32 for id in ids)


def test_a_commitment_keeps_its_salt_and_recipe(path: Path) -> None:
    ledger = Ledger(path)
    row = ledger.reserve(generated(), Path("x.png"), "commitment", b"\x00salt\xff")
    found = Ledger(path).find(row.id)
    assert found is not None
    assert (found.salt, found.tier) == (b"\x00salt\xff", "commitment")


def test_the_file_is_for_its_owner_alone_and_durable(path: Path) -> None:
    ledger = Ledger(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with ledger._file.transaction() as db:
        settings = [
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "trusted_schema", "busy_timeout")
        ]
    assert settings[:3] == ["wal", 2, 0]
    assert settings[3] >= 5000


def test_what_is_settled_stays_settled(path: Path, tmp_path: Path) -> None:
    ledger = Ledger(path)
    row = _done(ledger, 1, b"x", tmp_path)
    ledger.fail(row.id)
    ledger.stage(row.id, recipe=generated(9), sha256="9" * 64, pixels_sha256="9" * 64, signer="x")
    found = ledger.find(row.id)
    assert found is not None
    assert (found.status, found.signer) == ("done", "f")


def test_a_failed_transaction_leaves_no_trace_and_no_lock(path: Path) -> None:
    ledger = Ledger(path)
    kept = ledger.reserve(generated(), Path("x.png"), "recipe")

    def fail_in_the_middle() -> None:
        with ledger._file.transaction() as db:
            db.execute("DELETE FROM exports")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    assert Ledger(path).rows() == (kept,)


def test_after_a_kill_the_files_decide(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DYING, str(ROOT), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    assert ledger.reconcile() == (), "the process still runs: its rows are its own"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(ledger.reconcile()) == 3
    states = {row.path.name: row.status for row in ledger.rows()}
    assert states == {"early.png": "failed", "whole.png": "done", "lost.png": "failed"}
    assert not list(tmp_path.glob(".atelier-*"))
    assert (tmp_path / "whole.png").read_bytes() == b"whole"
    assert ledger.reconcile() == ()


def test_a_row_cannot_have_other_files_removed(path: Path, tmp_path: Path) -> None:
    ledger = Ledger(path)
    row = ledger.reserve(generated(), tmp_path / "x.png", "recipe")
    precious = tmp_path / "precious.part"
    precious.write_text("keep")
    with ledger._file.transaction() as db:
        db.execute("UPDATE exports SET temporary = ?, owner = '0:0'", (str(precious),))
    assert ledger.reconcile()[0].id == row.id
    assert precious.read_text() == "keep"


def test_processes_and_threads_write_at_once_and_lose_nothing(path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITING, str(ROOT), str(path)]) for _ in range(2)
    ]
    ledger = Ledger(path)

    def write() -> None:
        for seed in range(20):
            ledger.complete(ledger.reserve(generated(seed), Path("x.png"), "recipe").id)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait() for process in processes] == [0, 0]
    assert len(ledger.rows("done")) == 120
    with ledger._file.transaction() as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _alter(path: Path, *statements: str) -> bytes:
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"PRAGMA user_version = {SCHEMA_VERSION + 1}", "newer version"),
        ("CREATE VIEW sly AS SELECT * FROM exports", "not a ledger"),
        ("CREATE TRIGGER sly AFTER INSERT ON exports BEGIN DELETE FROM exports; END", "not a led"),
        ("CREATE TABLE more (x)", "not a ledger"),
        ("ALTER TABLE exports ADD COLUMN more TEXT", "not a ledger"),
        ("PRAGMA application_id = 7", "not a ledger"),
        ("DROP INDEX exports_by_status", "not a ledger"),
    ],
)
def test_newer_and_hostile_ledgers_are_refused_and_left_alone(
    path: Path, statement: str, words: str
) -> None:
    Ledger(path).reserve(generated(), Path("x.png"), "recipe")
    before = _alter(path, statement)
    with pytest.raises(LedgerError, match=words) as caught:
        Ledger(path)
    assert caught.value.remedy
    assert path.read_bytes() == before


def test_a_view_in_place_of_the_table_is_refused(path: Path) -> None:
    path.parent.mkdir()
    _alter(
        path,
        "CREATE VIEW exports AS SELECT 1 AS id",
        f"PRAGMA application_id = {APPLICATION_ID}",
        f"PRAGMA user_version = {SCHEMA_VERSION}",
    )
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger(path)


@pytest.mark.parametrize(
    "content", [b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_other_files_are_refused(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(LedgerError) as caught:
        Ledger(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_hold_the_ledger_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="Cannot write the ledger"):
        Ledger(tmp_path / "file" / "ledger.sqlite3")


def test_a_locked_ledger_is_waited_for(path: Path) -> None:
    ledger = Ledger(path)
    blocker = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.5, lambda: blocker.execute("COMMIT"))
    timer.start()
    started = time.monotonic()
    ledger.reserve(generated(), Path("x.png"), "recipe")
    assert time.monotonic() - started > 0.3
    timer.join()
    blocker.close()
