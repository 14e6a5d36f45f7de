"""The content-addressed store: whole items, checked on reading, or a StoreError."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from engine.errors import StoreError
from engine.store import Store, array_of, npy_bytes, replacing, sweep, write_remedy

ABSENT = hashlib.sha256(b"absent").hexdigest()


def place(root: Path, sha256: str) -> Path:
    return root / sha256[:2] / sha256[2:4] / sha256


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_what_was_put_comes_back_under_its_sha256(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    sha256 = store.put(b"a vector")
    assert sha256 == hashlib.sha256(b"a vector").hexdigest()
    assert store.get(sha256) == b"a vector"
    assert sha256 in store
    assert files(tmp_path) == [place(tmp_path / "store", sha256)]


def test_making_a_store_touches_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert ABSENT not in store
    assert list(tmp_path.iterdir()) == []


def test_putting_twice_writes_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = place(tmp_path, store.put(b"x"))
    before = path.stat()
    store.put(b"x")
    assert path.stat().st_ino == before.st_ino


def test_a_missing_item_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"{ABSENT} is missing"):
        Store(tmp_path).get(ABSENT)


@pytest.mark.parametrize("position", [0, 500, 999])
def test_one_flipped_byte_is_found(tmp_path: Path, position: int) -> None:
    store = Store(tmp_path)
    sha256 = store.put(bytes(1000))
    path = place(tmp_path, sha256)
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match=f"{sha256} is damaged"):
        store.get(sha256)


def test_putting_a_damaged_item_again_mends_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha256 = store.put(b"whole")
    place(tmp_path, sha256).write_bytes(b"torn")
    assert store.put(b"whole") == sha256
    assert store.get(sha256) == b"whole"


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", ABSENT[:-1], ABSENT.upper(), ABSENT + "\n", "é" * 64]
)
def test_a_name_that_is_no_sha256_is_refused(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path)
    with pytest.raises(StoreError, match="named by its SHA-256"):
        store.get(name)
    with pytest.raises(StoreError):
        assert name in store


def test_fallbacks_are_read_and_never_written(tmp_path: Path) -> None:
    bundled = Store(tmp_path / "bundled")
    sha256 = bundled.put(b"bundled")
    before = files(tmp_path / "bundled")
    store = Store(tmp_path / "own", [tmp_path / "nowhere", tmp_path / "bundled"])
    assert sha256 in store
    assert store.get(sha256) == b"bundled"
    store.put(b"mine")
    assert files(tmp_path / "bundled") == before


def test_a_whole_fallback_stands_in_for_a_damaged_item(tmp_path: Path) -> None:
    Store(tmp_path / "bundled").put(b"item")
    store = Store(tmp_path / "own", [tmp_path / "bundled"])
    sha256 = store.put(b"item")
    place(tmp_path / "own", sha256).write_bytes(b"")
    assert store.get(sha256) == b"item"


def test_a_full_disk_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left") as caught:
        Store(tmp_path).put(b"too much")
    assert caught.value.remedy.startswith("Free some space")
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file stands here")
    with pytest.raises(StoreError, match="cannot keep") as caught:
        Store(tmp_path / "store").put(b"x")
    assert caught.value.remedy


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO])
def test_every_refusal_of_the_disk_has_a_remedy(number: int) -> None:
    assert write_remedy(OSError(number, "no")).endswith(".")


def test_a_failed_block_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.atelier"
    path.write_bytes(b"old")

    def torn() -> None:
        with replacing(path) as file:
            file.write(b"half of the new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        torn()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.atelier"]


def test_the_start_sweeps_what_a_dead_writer_left(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    folder = tmp_path / "ab" / "cd"
    folder.mkdir(parents=True)
    dead = folder / f".item.{int(done.stdout)}-0.atelier-tmp"
    alive = folder / f".item.{os.getpid()}-0.atelier-tmp"
    stranger = folder / "item.tmp"
    for path in (dead, alive, stranger):
        path.write_bytes(b"half")
    Store(tmp_path)
    assert sorted(files(tmp_path)) == sorted([alive, stranger])


def test_a_day_old_temporary_goes_whoever_has_its_number(tmp_path: Path) -> None:
    old = tmp_path / f".item.{os.getpid()}-0.atelier-tmp"
    old.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert sweep(tmp_path) == 1
    assert files(tmp_path) == []


@given(
    arrays(
        st.sampled_from(["<f4", "<f8", "<i4", "|u1", "|b1", ">f4", "<f2"]).map(np.dtype),
        array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_arrays_come_back_the_same(array: np.ndarray[Any, Any]) -> None:
    again = array_of(npy_bytes(array))
    assert again.dtype == array.dtype.newbyteorder("<")
    assert not again.flags.writeable
    np.testing.assert_array_equal(again, array)


def test_equal_arrays_have_one_name_whatever_their_memory_order(tmp_path: Path) -> None:
    store = Store(tmp_path)
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert store.put_array(array) == store.put_array(np.asfortranarray(array))
    np.testing.assert_array_equal(store.get_array(store.put_array(array)), array)


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="arrays of numbers"):
        Store(tmp_path).put_array(np.array([{}], dtype=object))


def npy_with_header(header: str, body: bytes = b"") -> bytes:
    out = io.BytesIO()
    text = header.encode() + b" " * (117 - len(header)) + b"\n"
    out.write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no array",
        b"\x93NUMPY\x09\x00",
        npy_bytes(np.zeros(4, np.float32))[:-1],
        npy_bytes(np.zeros(4, np.float32)) + b"x",
        npy_with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000,), }"),
        npy_with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"),
        npy_with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        npy_with_header("{'descr': '<f4', 'shape': (1,), }", bytes(4)),
        npy_with_header("__import__('os')", bytes(4)),
    ],
)
def test_bytes_that_are_no_array_are_refused_before_memory_is_taken(
    tmp_path: Path, data: bytes
) -> None:
    store = Store(tmp_path)
    with pytest.raises(StoreError, match="not an array of numbers"):
        store.get_array(store.put(data))


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_header_is_read_or_refused_and_nothing_else(position: int, value: int) -> None:
    data = bytearray(npy_bytes(np.arange(4, dtype=np.float32)))
    data[position % len(data)] = value
    try:
        array = array_of(bytes(data))
    except ValueError:
        return
    assert array.nbytes <= len(data)
