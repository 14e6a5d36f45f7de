"""Random damage to genuine files, and the limits of the process that reads them."""

from __future__ import annotations

import json
import struct
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.checkpoints import child, limits
from engine.checkpoints.read import read_raw
from engine.checkpoints.read_file import read_contents
from engine.checkpoints.refusal import Refusal, naming
from engine.errors import CheckpointError
from tests.engine.checkpoint_files import (
    GOLDEN,
    NAMES,
    archive,
    ident,
    in_dict,
    read_here,
    stream,
    tensor,
    text,
)
from tests.engine.test_checkpoints_onnx import check_onnx, model

ROUNDS = 24


def survives(data: bytes, name: str) -> bool:
    """Whether the bytes are read; any other error than a refusal fails the test."""
    try:
        read_here(data, name)
    except CheckpointError as error:
        return _told(error)
    return True


def _told(error: CheckpointError) -> bool:
    assert error.remedy, error
    return False


@pytest.mark.parametrize("name", NAMES)
def test_a_genuine_file_cut_anywhere_is_refused(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    random = np.random.default_rng(1)
    for end in random.integers(1, len(data), ROUNDS // 2):
        assert not survives(data[:end], name)
    for end in (1, 2, 3, len(data) - 1):
        assert not survives(data[:end], name)


@pytest.mark.parametrize("name", NAMES)
def test_a_genuine_file_with_one_changed_byte_is_read_or_refused(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    random = np.random.default_rng(2)
    # Most bytes are weights; the first ones and the last are what the readers act on.
    spots = [*random.integers(0, len(data), ROUNDS // 3), *random.integers(0, 4000, ROUNDS)]
    spots += [len(data) - 1 - at for at in random.integers(0, 4000, ROUNDS // 3)]
    for at in spots:
        changed = bytearray(data)
        changed[at] ^= 1 << int(random.integers(8))
        survives(bytes(changed), name)


def small_files() -> dict[str, bytes]:
    """Whole files of a few hundred bytes, in which every byte means something."""
    namespace = b"cargparse\nNamespace\n)\x81}" + text("a") + b"K\x01sb"
    array = b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    array += b"K\x00\x85C\x01b\x87R(K\x01K\x02\x85"
    array += (
        b"cnumpy\ndtype\n"
        + text("f4")
        + b"\x89\x88\x87R(K\x03"
        + text("<")
        + b"NNN"
        + b"J\xff\xff\xff\xff" * 2
    )
    array += b"K\x00tb\x89C\x08" + struct.pack("<2f", 1, 2) + b"tb"
    network = (
        b"cdnnlib.tflib.network\nNetwork\n)\x81}(" + text("variables") + b"](" + text("v") + array
    )
    network += b"\x86e" + text("static_kwargs") + b"}ub"
    old = b"\x80\x02}" + text("w") + tensor(ident(view=b"N")) + b"s."
    return {
        "zip": archive(in_dict(tensor())),
        "stream": stream(old),
        "namespace": b"\x80\x03}(" + text("a") + namespace + text("w") + array + b"u.",
        "network": b"\x80\x03" + network + b".",
        "onnx": model().SerializeToString(),
    }


@pytest.mark.parametrize("name", ["zip", "stream", "namespace", "network"])
def test_every_byte_of_a_small_file_may_be_anything(name: str) -> None:
    data = small_files()[name]
    assert survives(data, "model.pkl")
    random = np.random.default_rng(3)
    for at in range(len(data)):
        for value in random.integers(0, 256, 3):
            survives(data[:at] + bytes([value]) + data[at + 1 :], "model.pkl")
    for _ in range(300):
        a, b = sorted(random.integers(0, len(data), 2))
        survives(data[:a] + data[b:], "model.pkl")
        survives(data[:b] + data[a:], "model.pkl")


def test_every_byte_of_a_graph_may_be_anything() -> None:
    data = small_files()["onnx"]
    random = np.random.default_rng(4)
    for at in range(len(data)):
        for value in random.integers(0, 256, 4):
            changed = data[:at] + bytes([value]) + data[at + 1 :]
            try:
                check_onnx(memoryview(changed), None)
            except Refusal as error:
                _told(error)


OPCODES = [bytes([code]) for code in b"KMJGUCBXN]})(01aesutcRbhqQ\x80\x85\x86\x87\x88\x89\x81\x8a."]
OPCODES += [
    b"ccollections\nOrderedDict\n",
    b"cnumpy\ndtype\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
]
OPCODES += [
    b"cargparse\nNamespace\n",
    b"K\x00",
    b"h\x00",
    b"q\x00",
    text("a"),
    b"C\x02ab",
    b"M\x01\x02",
]


def test_any_order_of_operations_is_read_or_refused() -> None:
    random = np.random.default_rng(5)
    for _ in range(4000):
        chosen = random.integers(0, len(OPCODES), random.integers(1, 30))
        survives(b"\x80\x03" + b"".join(OPCODES[i] for i in chosen) + b".", "model.pkl")


def test_a_child_that_dies_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_START", "import os; os.abort()")
    with pytest.raises(CheckpointError, match=r"sg3r_64\.pkl: reading it broke the process"):
        read_raw(GOLDEN / "sg3r_64.pkl")


def test_a_child_that_takes_too_long_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_START", "import time; time.sleep(60)")
    monkeypatch.setattr(limits, "REFUSE_S", 0.3)
    start = time.monotonic()
    with pytest.raises(CheckpointError, match="not read within"):
        read_raw(GOLDEN / "sg3r_64.pkl")
    assert time.monotonic() - start < 30


def start_with(act: str) -> str:
    """The child's start, with something else in the place of its reader."""
    swap = f"import os, engine.checkpoints.child as c; c.read_into = (lambda *_: {act})"
    return child._START.replace("; run(", f"; {swap}; run(")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the address space surely")
def test_a_child_that_wants_too_much_memory_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_START", start_with("bytearray(2**30)"))
    with pytest.raises(CheckpointError, match="more memory"):
        read_raw(GOLDEN / "sg3r_64.pkl")


@pytest.mark.parametrize("act", ["os.system('touch owned')", "__import__('wave')", "eval('1')"])
def test_a_child_led_astray_can_do_nothing(
    act: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "_START", start_with(act))
    with pytest.raises(CheckpointError, match="broke the process"):
        read_raw(GOLDEN / "sg3r_64.pkl")
    assert not list(tmp_path.rglob("owned"))


def test_nothing_stays_behind_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    read_raw(GOLDEN / "sg3r_64.pkl")
    (tmp_path / "bad.pkl").write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(CheckpointError):
        read_raw(tmp_path / "bad.pkl")
    assert {one.name for one in tmp_path.iterdir()} <= {"bad.pkl", "home"}


def test_what_comes_back_is_json_and_safetensors_only(tmp_path: Path) -> None:
    child.read_in_child(GOLDEN / "rosinality_64.pt", tmp_path, "torch-zip", None)
    names = {one.name for one in tmp_path.iterdir()} - {"home"}
    assert names == {"checked", "result.json", "values.safetensors"}
    assert json.loads((tmp_path / "result.json").read_text())["format"] == "torch-zip"


def test_a_name_is_added_to_a_refusal_once() -> None:
    with (
        pytest.raises(CheckpointError, match=r"^a\.pkl: it holds no network\. Choose"),
        naming("a.pkl"),
    ):
        read_contents(memoryview(b"\x80\x03}."))
