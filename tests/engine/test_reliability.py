"""What crashes, full disks and other processes may not do: tear a file or lose a row."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import AtelierError, ExportError, LedgerError
from engine.frame import ExportOptions
from engine.provenance.ledger import Ledger
from engine.services import atomic_file
from engine.services.export import Exporter
from engine.services.verify import verify
from tests.drawn import generated
from tests.engine.exporting import exporter_in

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("ATELIER_KILLS", "6"))
EACH = int(os.environ.get("ATELIER_ROWS", "60"))
"""The long form, by hand: ATELIER_KILLS=200 ATELIER_ROWS=250 pytest .../test_reliability.py"""

WRITING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.drawn import generated
from engine.provenance.ledger import Ledger
ledger = Ledger(Path(sys.argv[2]))
recipe = generated(int(sys.argv[3]))
for _ in range(int(sys.argv[4])):
    row = ledger.reserve(recipe, Path("x.png"), "recipe")
    ledger.complete(row.id)
    print(row.id, flush=True)
"""


class _Killed:
    """What one process acknowledged before it was killed."""

    def __init__(self, home: Path, folder: Path, after_s: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.exporting", str(home), str(folder)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        timer = threading.Timer(after_s, self.process.send_signal, [signal.SIGKILL])
        timer.start()
        said = self.process.stdout.read().decode()
        timer.join()
        self.process.wait()
        self.process.stdout.close()
        assert self.process.returncode == -signal.SIGKILL
        whole = said[: said.rfind("\n") + 1]
        self.acknowledged = [tuple(line.split()) for line in whole.splitlines()]


@pytest.mark.timeout(3600)
def test_a_kill_at_any_moment_tears_no_file_and_loses_no_acknowledged_row(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "out"
    folder.mkdir()
    exporter_in(home).identity.unlock()
    rng = random.Random(0)
    acknowledged: list[tuple[str, ...]] = []
    rounds = 0
    while rounds < ROUNDS or len(acknowledged) < ROUNDS // 2:
        rounds += 1  # a slow machine is given longer and longer before the kill
        longest = 0.5 * max(1.0, rounds / ROUNDS) ** 3
        acknowledged += _Killed(home, folder, rng.uniform(0.0, longest)).acknowledged
        exporter = exporter_in(home)
        exporter.ledger.reconcile()
        assert exporter.ledger.problems == ()
        roots = exporter.identity.own_roots()
        for path in folder.iterdir():
            assert not path.name.startswith(".atelier-"), "the sweep left a temporary file"
            assert verify(path, own_roots_pem=roots).verdict == "own"
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            row = exporter.ledger.find_file(digest)
            assert row is not None, "a file points nowhere"
            assert row.status == "done"
    rows = {row.id: row for row in exporter_in(home).ledger.rows(limit=1_000_000)}
    for id, sha256, name in acknowledged:
        assert (rows[id].status, rows[id].sha256) == ("done", sha256)
        assert rows[id].path.name == name
    assert not [row for row in rows.values() if row.status == "pending"]
    with sqlite3.connect(home / "ledger.sqlite3") as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()


def test_four_processes_write_rows_at_once_and_lose_none(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITING, str(ROOT), str(path), str(number), str(EACH)],
            stdout=subprocess.PIPE,
        )
        for number in range(4)
    ]
    said = [process.communicate()[0].decode().split() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    ledger = Ledger(path)
    rows = ledger.rows("done", limit=4 * EACH + 1)
    assert {row.id for row in rows} == {id for ids in said for id in ids}
    assert len(rows) == len({row.mark for row in rows}) == 4 * EACH
    assert ledger.problems == ()


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A folder on a disk of 300 KB of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip("this machine lets nobody mount a small disk; the simulated one is tested")
    return folder


def test_a_small_disk_that_fills_up_keeps_the_old_file(small_disk: Path, tmp_path: Path) -> None:
    try:
        exporter = exporter_in(tmp_path / "home")
        path = small_disk / "x.tiff"
        exporter.export(generated(1), path, ExportOptions(size_px=64))
        before = path.read_bytes()
        with pytest.raises(ExportError, match="disk is full"):
            exporter.export(generated(2), path, ExportOptions(size_px=1024))
        assert path.read_bytes() == before
        assert os.listdir(small_disk) == ["x.tiff"]
    finally:
        subprocess.run(["umount", str(small_disk)], check=True)


STEPS = ("Rendering", "Encoding", "Signing", "Checking", "Writing")


@pytest.mark.parametrize("stage", STEPS)
def test_a_folder_that_vanishes_during_an_export_is_one_clear_error(
    tmp_path: Path, stage: str
) -> None:
    exporter = exporter_in(tmp_path / "home")
    folder = tmp_path / "out"
    folder.mkdir()

    def vanish(progress: object) -> None:
        if getattr(progress, "stage", "") == stage:
            shutil.rmtree(folder)

    with pytest.raises(ExportError) as caught:
        exporter.export(generated(), folder / "x.png", progress=vanish)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    assert [row.status for row in exporter.ledger.rows()] == ["failed"]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_becomes_read_only_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    exporter = exporter_in(tmp_path / "home")
    path = tmp_path / "x.png"
    exporter.export(generated(1), path)
    before = path.read_bytes()
    real = os.replace

    def refusing(source: object, target: object) -> None:
        if ".atelier-" in str(source):
            raise OSError(number, os.strerror(number))
        real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", refusing)
    with pytest.raises(ExportError, match="Cannot write to the folder"):
        exporter.export(generated(2), path)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".atelier-*"))


def test_a_ledger_on_a_full_disk_is_one_clear_error_and_stays_whole(tmp_path: Path) -> None:
    exporter = exporter_in(tmp_path / "home")
    with exporter.ledger._file.transaction() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    exporter.ledger._file.connection.execute(f"PRAGMA max_page_count = {pages}")
    exporter.ledger._file.connection.execute("PRAGMA journal_mode = DELETE")

    def fill() -> None:
        for number in range(200):
            exporter.ledger.reserve(generated(number), tmp_path / "x.png", "recipe")

    with pytest.raises(LedgerError, match="disk is full"):
        fill()
    assert Ledger(tmp_path / "home" / "ledger.sqlite3").problems == ()


@pytest.mark.parametrize("step", ["stage", "complete"])
def test_a_ledger_that_fails_while_the_file_is_put_in_place_is_settled_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    exporter = exporter_in(tmp_path / "home")
    path = tmp_path / "x.png"

    def failing(*args: object, **options: object) -> None:
        raise LedgerError("The disk is full or failing.", "Free some space and try again.")

    monkeypatch.setattr(exporter.ledger, step, failing)
    if step == "stage":
        with pytest.raises(LedgerError):
            exporter.export(generated(), path)
        assert not path.exists()
    else:
        assert exporter.export(generated(), path).verdict == "own"
    monkeypatch.undo()
    monkeypatch.setattr("engine.provenance.ledger.alive", lambda owner: False)
    later = Ledger(tmp_path / "home" / "ledger.sqlite3")
    later.reconcile()
    (row,) = later.rows()
    assert row.status == ("failed" if step == "stage" else "done")
    assert not list(tmp_path.glob(".atelier-*"))


def test_an_expired_identity_is_told_before_a_row_is_reserved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = exporter_in(tmp_path / "home")

    def expired(passphrase_file: object = None) -> None:
        raise AtelierError("The signing certificate expired on 2030-01-01.", "Renew it.")

    monkeypatch.setattr(exporter.identity, "unlock", expired)
    with pytest.raises(AtelierError, match="expired"):
        exporter.export(generated(), tmp_path / "x.png")
    assert exporter.ledger.rows() == ()


def test_the_temporary_file_lies_in_the_same_folder_and_is_synced_before_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter: Exporter = exporter_in(tmp_path / "home")
    exporter.identity.unlock()
    steps: list[str] = []
    write, put = atomic_file.write_temporary, atomic_file.put_in_place

    def writing(path: Path, data: bytes) -> None:
        assert path.parent == tmp_path
        write(path, data)
        steps.append("written")

    def putting(temporary: Path, path: Path) -> None:
        (row,) = exporter.ledger.rows()
        assert (row.status, row.sha256 != "") == ("pending", True)
        put(temporary, path)
        steps.append("placed")

    monkeypatch.setattr("engine.services.export.write_temporary", writing)
    monkeypatch.setattr("engine.services.export.put_in_place", putting)
    exporter.export(generated(), tmp_path / "x.png")
    assert steps == ["written", "placed"]
