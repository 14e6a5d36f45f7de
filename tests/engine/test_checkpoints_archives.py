"""Archives and streams of torch that contradict themselves, and files that are something else."""

from __future__ import annotations

import gzip
import io
import struct
import warnings
import zipfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.checkpoints.read import read_raw
from engine.checkpoints.zip_entries import list_entries, open_entries
from engine.errors import CheckpointError
from tests.engine.checkpoint_files import (
    GOLDEN,
    MAGIC,
    archive,
    ident,
    in_dict,
    read_here,
    stream,
    tensor,
    text,
)

GOOD = in_dict(tensor())
OLD = b"\x80\x02}" + text("weight") + tensor(ident(view=b"N")) + b"s."


def refused(data: bytes, reason: str, name: str = "model.pt") -> CheckpointError:
    with pytest.raises(CheckpointError, match=reason) as caught:
        read_here(data, name)
    assert str(caught.value).startswith(f"{name}: ")
    assert caught.value.remedy
    return caught.value


def patched(data: bytes, old: bytes, new: bytes, count: int = 1) -> bytes:
    assert data.count(old) >= count, "the attack would change nothing"
    assert len(old) == len(new)
    return data.replace(old, new, count)


def last(data: bytes, old: bytes, new: bytes) -> bytes:
    head, found, tail = data.rpartition(old)
    assert found, "the attack would change nothing"
    return head + new + tail


def test_the_archives_that_are_changed_below_are_good() -> None:
    for data in (archive(GOOD), stream(OLD)):
        assert read_here(data)["/weight"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "name",
    ["../data/1", "model/../../x", "/etc/passwd", "model//x", "model/./x", "model/a\\b", "C:/x",
     "model/data/\x1b[31m", "model/" + "a" * 600],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    data = archive(GOOD, more=((name, b""),))
    refused(data, "leads elsewhere|not plain")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "model.pt").write_bytes(data)
    with pytest.raises(CheckpointError):
        read_raw(tmp_path / "sub" / "model.pt")
    assert {one.name for one in tmp_path.rglob("*")} <= {"sub", "model.pt", "home"}


def test_a_name_that_python_cuts_at_a_null_byte_is_refused() -> None:
    data = archive(GOOD, more=(("model/data/1x", b""),))
    refused(patched(data, b"model/data/1x", b"model/data/1\0", 2), "not plain")


@pytest.mark.parametrize("name", ["model/data.pkl", "model/data/0", "model/DATA.pkl"])
def test_a_name_that_stands_twice_is_refused(name: str) -> None:
    out = io.BytesIO(archive(GOOD))
    doubled = pytest.warns(UserWarning, match="Duplicate") if name.islower() else nullcontext()
    with doubled, zipfile.ZipFile(out, "a") as file:
        file.writestr(name, b"cos\nsystem\n.")
    refused(out.getvalue(), "twice")


def test_a_bomb_is_refused_before_it_is_blown_up(tmp_path: Path) -> None:
    data = archive(GOOD, bytes(64 * 2**20), method=zipfile.ZIP_DEFLATED)
    assert len(data) < 100_000
    refused(data, "is compressed")


@pytest.mark.parametrize("flag", [0x0001, 0x0040, 0x2000, 0x0020])
def test_an_encrypted_entry_is_refused(flag: int) -> None:
    data = archive(GOOD)
    at = data.rindex(b"PK\1\2") + 8
    flagged = data[:at] + struct.pack("<H", flag) + data[at + 2 :]
    refused(flagged, "encrypted or has flags")


def test_headers_that_contradict_each_other_are_refused() -> None:
    data = archive(GOOD)
    local = data.index(b"PK\3\4")
    for at, new in ((6, b"\0\x08"), (14, b"1234"), (18, b"\1\0\0\0"), (22, b"\1\0\0\0")):
        changed = data[: local + at] + new + data[local + at + len(new) :]
        refused(changed, "described in two ways")
    renamed = patched(data, b"model/data/0", b"model/data/9")
    refused(renamed, "described in two ways")
    refused(last(data, b"model/data/0", b"model/data/9"), "described in two ways")


def test_bytes_between_and_around_the_entries_are_refused() -> None:
    data = archive(GOOD)
    refused(b"PK\3\4" + data[4:] + b"more", "not where it belongs")
    refused(data[:-2] + b"\5\0hello", "comment|not where it belongs")
    central = struct.unpack_from("<I", data, len(data) - 6)[0]
    longer = (
        data[:central] + bytes(8) + data[central:-6] + struct.pack("<I", central + 8) + bytes(2)
    )
    refused(longer, "belong to no entry")
    ahead = b"PK\3\4" + bytes(30) + data
    refused(ahead, "does not fit|not where|overlap")


def test_overlapping_entries_are_refused() -> None:
    data = archive(GOOD)
    first, second = (data.index(b"PK\1\2"), data.rindex(b"PK\1\2"))
    changed = data[: second + 42] + data[first + 42 : first + 46] + data[second + 46 :]
    refused(changed, "overlap|in two ways")


def test_an_archive_cut_anywhere_is_refused() -> None:
    data = archive(GOOD)
    for end in range(4, len(data), 7):
        refused(data[:end], "cut off|not where it belongs|does not fit")


def test_values_that_do_not_have_their_checksum_are_refused() -> None:
    refused(patched(archive(GOOD, b"abcdefgh" * 2), b"abcdefgh", b"abcdefgX"), "checksum")
    refused(patched(archive(GOOD), b"weight", b"weighs"), "checksum")


@pytest.mark.parametrize("count", [3, 5, 0, 2**40, 2**70])
def test_a_storage_of_another_size_is_refused(count: int) -> None:
    refused(archive(in_dict(tensor(ident(count=count)))), "are 16 bytes|impossible number")
    old = b"\x80\x02}" + text("w") + tensor(ident(count=count, view=b"N")) + b"s."
    refused(stream(old), "of another number|impossible number|reaches past")


def test_storages_that_are_missing_or_of_an_unknown_type_are_refused() -> None:
    refused(archive(in_dict(tensor(ident("7")))), "7 are missing")
    refused(archive(in_dict(tensor(ident("../0")))), "missing")
    refused(archive(in_dict(tensor(ident(kind=b"ctorch\nSize\n")))), "unknown type")
    refused(archive(in_dict(tensor(ident(view=b"N")))), "unknown way")
    refused(archive(in_dict(text("storage") + b"Q")), "unknown way")


def test_big_endian_values_are_refused() -> None:
    swapped = io.BytesIO()
    with zipfile.ZipFile(swapped, "w") as file:
        file.writestr("model/data.pkl", GOOD)
        file.writestr("model/byteorder", b"big")
        file.writestr("model/data/0", bytes(16))
    refused(swapped.getvalue(), "big-endian")
    refused(stream(OLD, little=False), "big-endian")


def test_a_torchscript_archive_is_called_one(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), path)
    with pytest.raises(CheckpointError, match=r"script\.pt: it is a TorchScript archive"):
        read_raw(path)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ((("model/evil.py", b""),), "no part of a checkpoint"),
        ((("other/data.pkl", b""),), "no checkpoint of torch"),
        ((("loose", b""),), "no checkpoint of torch"),
    ],
)
def test_an_archive_with_other_things_in_it_is_refused(
    more: tuple[tuple[str, bytes], ...], reason: str
) -> None:
    refused(archive(GOOD, more=more), reason)


def test_numpy_archives_and_empty_ones_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.ones(3))
    refused((tmp_path / "a.npz").read_bytes(), "no checkpoint of torch", "a.npz")
    refused(b"PK\5\6" + bytes(18), "an empty .zip archive")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (stream(OLD) + b"x", "follow the end"),
        (stream(OLD)[:-1], "cut off"),
        (stream(OLD, told=5), "of another number"),
        (stream(OLD, told=-1), "of another number"),
        (stream(OLD, keys=b"\x80\x02]" + text("1") + b"a."), "names others"),
        (stream(OLD, keys=b"\x80\x02](" + text("0") * 2 + b"e."), "names others"),
        (stream(OLD, keys=b"\x80\x02]K\x01a."), "is none"),
        (stream(OLD, keys=b"\x80\x02}."), "is none"),
        (stream(b"\x80\x02." ), "more or less than one value"),
        (MAGIC + b"\x80\x02M\xe8\x03.", "no stream of torch"),
        (MAGIC + b"\x80\x02G\x40\x8f\x48\x00\x00\x00\x00\x00.", "no stream of torch"),
        (MAGIC, "ends before"),
        (stream(b"\x80\x02}" + text("w") + tensor(ident(view=text("v"))) + b"s."), "unknown way"),
    ],
)  # fmt: skip
def test_an_older_stream_that_contradicts_itself_is_refused(data: bytes, reason: str) -> None:
    refused(data, reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n", "Git LFS pointer"),
        (b"\n <!DOCTYPE html><html>", "a web page"),
        (b"<html><body>Sign in</body></html>", "a web page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "a web page"),
        (gzip.compress(b"x"), "a gzip archive"),
        (b"BZh91AY&SY", "a bzip2 archive"),
        (b"\xfd7zXZ\0\0", "an xz archive"),
        (b"7z\xbc\xaf\x27\x1c\0\0", "a 7z archive"),
        (b"\x28\xb5\x2f\xfd\0\0", "a Zstandard archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x93NUMPY\x01\0", "a single NumPy array"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\x7fELF\x02\x01", "a program"),
        (b"MZ\x90\0", "a program"),
        (b"#!/bin/sh\n", "a script"),
        (b"GGUF\3\0\0\0", "a GGUF file"),
        (bytes(257) + b"ustar\0" + bytes(200), "a tar archive"),
        (bytes(4096), "nothing but zeros"),
        (b"cos\nsystem\n(S'x'\ntR.", "protocol 0 or 1"),
        (b"hello", "no kind of checkpoint"),
    ],
)
def test_a_file_that_is_something_else_is_named(data: bytes, reason: str) -> None:
    refused(data, reason)


def test_a_name_that_would_disturb_a_terminal_is_cleaned(tmp_path: Path) -> None:
    path = tmp_path / "bad\x1b[31m\nname.pkl"
    path.write_bytes(b"hello")
    with pytest.raises(CheckpointError) as caught:
        read_raw(path)
    assert str(caught.value).isprintable()


def test_an_archive_with_64_bit_sizes_is_read() -> None:
    data = (GOLDEN / "rosinality_64.pt").read_bytes()
    assert data[-22 - 20 : -22 - 16] == b"PK\6\7"
    view = memoryview(data)
    entries = open_entries(view, list_entries(view))
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert set(entries) == set(file.namelist())
        assert all(bytes(entries[name].data) == file.read(name) for name in entries)
    wide = len(data) - 22 - 20
    for at, new in ((wide - 56 + 24, b"\x69"), (wide + 8, b"\1"), (wide - 56 + 4, b"\x2d")):
        refused(data[:at] + new + data[at + 1 :], "archive")


def test_entries_with_64_bit_sizes_of_their_own_are_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        with file.open("model/data.pkl", "w", force_zip64=True) as entry:
            entry.write(GOOD)
        file.writestr("model/data/0", bytes(16))
    assert list(read_here(out.getvalue())) == ["/weight"]
