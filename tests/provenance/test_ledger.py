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

import numpy as np
import pytest

from engine.errors import LedgerError
from engine.image.codec import encode, read_picture
from engine.image.pixels import crop, resize
from engine.provenance import ledger_log as log
from engine.provenance.fingerprint import FingerprintIndex, fingerprints
from engine.provenance.ledger import Ledger, Row
from engine.provenance.ledger_file import APPLICATION_ID, SCHEMA_VERSION
from engine.provenance.ledger_key import Head, LedgerKey, write_head
from engine.provenance.ledger_migration import VERSION_1
from engine.provenance.sealed_seed import is_sealed
from tests.drawn import MODEL, generated, pixels_of

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
            db.execute(
                "INSERT INTO entries SELECT seq + 1, 'x', step, 1, '', '', x'', body,"
                " previous, hash, signature FROM entries"
            )
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
    assert ledger.problems == ()
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
    body = {"path": str(tmp_path / "y.png"), "temporary": str(precious), "owner": "0:0"}
    with ledger._file.transaction() as db:
        log.append(db, ledger._key, log.Entry("sly", "pending", row.mark ^ 1, body))
    assert [found.id for found in ledger.reconcile()] == ["sly"]
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
        ("CREATE VIEW sly AS SELECT * FROM entries", "not a ledger"),
        ("CREATE TRIGGER sly AFTER INSERT ON entries BEGIN DELETE FROM entries; END", "not a led"),
        ("CREATE TABLE more (x)", "not a ledger"),
        ("ALTER TABLE entries ADD COLUMN more TEXT", "not a ledger"),
        ("PRAGMA application_id = 7", "not a ledger"),
        ("DROP TRIGGER entries_never_change", "not a ledger"),
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


def _forge(path: Path, *statements: str) -> None:
    """Change the ledger as somebody would who knows SQLite but not the key."""
    triggers = [statement for statement in log.SCHEMA if "TRIGGER" in statement]
    names = [statement.split()[2] for statement in triggers]
    _alter(path, *(f"DROP TRIGGER {name}" for name in names), *statements, *triggers)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM entries WHERE seq = 5", "Entries 5 to 5 are missing"),
        ("DELETE FROM entries WHERE seq <= 3", "Entries 1 to 3 are missing"),
        ("DELETE FROM entries WHERE seq > 10", "end was cut off: 2 of 12"),
        ("DELETE FROM entries WHERE seq = 12", "end was cut off: 1 of 12"),
        ("DELETE FROM entries", "end was cut off: 12 of 12"),
        ("UPDATE entries SET body = replace(body, 'waves', 'WAVES')", "was altered"),
        ("UPDATE entries SET step = 'failed' WHERE step = 'done'", "was altered"),
        ("UPDATE entries SET mark = mark + 1 WHERE seq = 12", "Entry 12 was altered"),
        ("UPDATE entries SET seq = seq + 100", "Entries 1 to 100 are missing"),
        (
            "INSERT INTO entries SELECT seq + 12, id || 'x', step, mark + 1, sha256, manifest,"
            " fingerprints, body, previous, hash, signature FROM entries WHERE seq = 1",
            "Entry 13",
        ),
    ],
)
def test_a_missing_altered_doubled_or_cut_off_entry_shows_on_opening_and_goes_on_showing(
    path: Path, tmp_path: Path, statement: str, words: str
) -> None:
    ledger = Ledger(path)
    for seed in range(4):
        _done(ledger, seed, b"x%d" % seed, tmp_path)
    assert Ledger(path).problems == ()
    _forge(path, statement)
    found = Ledger(path)
    assert words in " ".join(found.problems)
    for seed in range(5, 9):
        found.complete(found.reserve(generated(seed), tmp_path / "y.png", "recipe").id)
    assert Ledger(path).problems


def test_an_entry_with_a_right_hash_but_a_foreign_signature_shows(
    path: Path, tmp_path: Path
) -> None:
    ledger = Ledger(path)
    _done(ledger, 1, b"x", tmp_path)
    stranger = LedgerKey(tmp_path / "stranger.key")
    with ledger._file.transaction() as db:
        log.append(db, stranger, log.Entry("f" * 32, "pending", 7, {}))
    assert Ledger(path).problems == ("Entry 4 was not written by this installation.",)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"nonsense"])
def test_a_missing_or_changed_head_shows(path: Path, tmp_path: Path, content: bytes | None) -> None:
    _done(Ledger(path), 1, b"x", tmp_path)
    head = path.with_suffix(".head")
    before = head.read_bytes()
    head.unlink()
    if content is not None:
        head.write_bytes(content)
    assert "signed head" in " ".join(Ledger(path).problems)
    head.write_bytes(before.replace(b'"count": 3', b'"count": 2'))
    assert "signature does not hold" in " ".join(Ledger(path).problems)
    head.write_bytes(before)
    assert Ledger(path).problems == ()


def test_what_a_crash_left_of_a_head_is_swept_up(path: Path) -> None:
    ledger = Ledger(path)
    left = path.with_name(f".{path.stem}.head.999999999-1.atelier-tmp")
    left.write_text("half")
    ledger.reconcile()
    assert not left.exists()


def test_a_head_that_a_crash_left_behind_is_no_fault(path: Path, tmp_path: Path) -> None:
    ledger = Ledger(path)
    _done(ledger, 1, b"x", tmp_path)
    older = path.with_suffix(".head").read_bytes()
    _done(ledger, 2, b"y", tmp_path)
    path.with_suffix(".head").write_bytes(older)
    assert Ledger(path).problems == ()


def test_nothing_in_the_log_can_be_changed_by_mistake(path: Path, tmp_path: Path) -> None:
    ledger = Ledger(path)
    _done(ledger, 1, b"x", tmp_path)
    for statement in ("UPDATE entries SET body = ''", "DELETE FROM entries"):
        with pytest.raises(LedgerError, match="append-only"), ledger._file.transaction() as db:
            db.execute(statement)


def test_the_ledgers_key_is_for_its_owner_alone(path: Path, tmp_path: Path) -> None:
    Ledger(path)
    key = path.with_suffix(".key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    with pytest.raises(LedgerError, match="read by other users"):
        Ledger(path)
    key.chmod(0o600)
    key.write_bytes(b"short")
    with pytest.raises(LedgerError, match="damaged"):
        Ledger(path)


def test_every_row_has_a_mark_of_forty_bits_of_its_own(path: Path) -> None:
    ledger = Ledger(path)
    rows = [ledger.reserve(generated(), Path("x.png"), "recipe") for _ in range(20)]
    assert len({row.mark for row in rows}) == 20
    assert all(0 <= row.mark < 1 << 40 for row in rows)
    assert ledger.find_mark(rows[3].mark) == rows[3]
    assert ledger.find_mark(rows[3].mark ^ 1) is None
    assert ledger.find_mark(-1) is ledger.find_mark(1 << 41) is None


def test_a_ledger_of_version_1_becomes_one_of_version_2_with_all_its_rows(
    path: Path, tmp_path: Path
) -> None:
    path.parent.mkdir()
    whole = tmp_path / "whole.png"
    whole.write_bytes(b"whole")
    digest = hashlib.sha256(b"whole").hexdigest()
    recipe = generated().canonical.decode()
    db = sqlite3.connect(path)
    for statement in VERSION_1:
        db.execute(statement)
    for id, status, file, sha256 in [
        ("a" * 32, "done", whole, digest),
        ("b" * 32, "failed", tmp_path / "no.png", ""),
        ("c" * 32, "pending", whole, digest),
    ]:
        values = (id, "2026-01-01", status, str(file), "t", "0:0", recipe, "m", "commitment")
        db.execute(
            f"INSERT INTO exports VALUES ({','.join('?' * 13)})",
            (*values, b"salt", "f", sha256, "2" * 64),
        )
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()
    # What a migration leaves that a crash undid: its head, and an older ledger.
    write_head(path.with_suffix(".head"), LedgerKey(path.with_suffix(".key")), Head(6, b"x" * 32))
    ledger = Ledger(path)
    assert ledger.problems == Ledger(path).problems == ()
    assert [row.status for row in ledger.rows()] == ["pending", "failed", "done"]
    found = ledger.find("a" * 32)
    assert found is not None
    assert (found.salt, found.sha256, found.recipe) == (b"salt", digest, recipe)
    assert (found.path, found.signer, found.tier) == (whole, "f", "commitment")
    assert [row.id for row in ledger.reconcile()] == ["c" * 32]
    assert [row.status for row in ledger.rows()] == ["done", "failed", "done"]
    assert Ledger(path).problems == ()


def test_a_stripped_and_damaged_copy_finds_its_row_by_its_looks(path: Path, tmp_path: Path) -> None:
    ledger = Ledger(path)
    rows = {}
    for seed in range(6):
        pixels = pixels_of(generated(seed, 256).image)
        rows[seed] = row = ledger.reserve(generated(seed), tmp_path / f"{seed}.png", "recipe")
        ledger.stage(
            row.id,
            recipe=generated(seed),
            sha256=f"{seed}" * 64,
            pixels_sha256="2" * 64,
            signer="f",
            manifest=f"urn:c2pa:{seed}",
            fingerprints=fingerprints(pixels),
        )
        ledger.complete(row.id)
    original = pixels_of(generated(3, 256).image)
    for copy in (
        read_picture(encode(original, "jpeg", quality=40)),
        resize(original, 90, 90),
        np.ascontiguousarray(original[:, ::-1]),
        np.ascontiguousarray(np.rot90(original)),
        crop(original, 26, 26, 204, 204),
        np.clip(original.astype(int) + 12, 0, 255).astype(np.uint8),
    ):
        ((best, score), *_) = ledger.search(copy)
        assert best.id == rows[3].id
        assert 0.8 <= score <= 1
    assert ledger.search(original)[0][1] == 1
    assert ledger.search(pixels_of(generated(77, 256).image)) == ()
    found = ledger.find_manifest("urn:c2pa:4")
    assert found is not None
    assert found.id == rows[4].id


def test_one_picture_is_found_among_ten_thousand() -> None:
    rng = np.random.RandomState(0)
    pixels = pixels_of(generated(3, 512).image)
    stored = [rng.bytes(64) for _ in range(10_000)]
    stored[7_000] = fingerprints(pixels)
    (hit,) = FingerprintIndex(stored).search(pixels, 0.5)
    assert (hit.index, hit.score) == (7_000, 1)
    assert FingerprintIndex([]).search(pixels, 0.0) == ()


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


class _Vault:
    """Secrets in memory; locked when told so."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.locked = False

    def load(self, name: str) -> str | None:
        return None if self.locked else self.kept.get(name)

    def save(self, name: str, secret: str) -> bool:
        if not self.locked:
            self.kept[name] = secret
        return not self.locked

    def forget(self, name: str) -> None:
        self.kept.pop(name, None)


def test_the_ledgers_key_is_sealed_where_there_is_a_keyring(tmp_path: Path) -> None:
    path, vault = tmp_path / "ledger.key", _Vault()
    bare = LedgerKey(path)
    seed = path.read_bytes()
    signature = bare.sign(b"x" * 32)
    assert LedgerKey(path, vault).holds(b"x" * 32, signature)
    assert path.read_bytes() != seed, "a bare key is sealed as soon as there is a keyring"
    assert seed not in path.read_bytes()
    assert seed.hex() not in path.read_text() + str(vault.kept)
    assert path.stat().st_mode & 0o077 == 0
    assert LedgerKey(path, vault).holds(b"x" * 32, signature)
    for unable in (None, _Vault()):
        with pytest.raises(LedgerError, match="keyring that opens it"):
            LedgerKey(path, unable)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    with pytest.raises(LedgerError, match="is damaged"):
        LedgerKey(path, vault)


def test_a_keyring_that_keeps_nothing_leaves_the_key_bare(tmp_path: Path) -> None:
    vault = _Vault()
    vault.locked = True
    LedgerKey(tmp_path / "ledger.key", vault)
    assert len((tmp_path / "ledger.key").read_bytes()) == 32
    ledger = Ledger(tmp_path / "other.sqlite3", _Vault())
    assert ledger.problems == ()
    assert is_sealed((tmp_path / "other.key").read_bytes())
