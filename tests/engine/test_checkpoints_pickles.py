"""Pickles that were made to run code, to mislead, or to exhaust the machine: all are refused."""

from __future__ import annotations

import os
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoints.read import read_raw
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
from tests.engine.pickle_attacks import ATTACKS, GOOD, P3, P4, SYSTEM, nested


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a payload would leave its mark."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_with_a_reason_and_a_remedy(name: str, here: Path) -> None:
    reason, data = ATTACKS[name]
    with pytest.raises(CheckpointError, match=re.escape(reason)) as caught:
        read_here(data, "model.pkl")
    assert str(caught.value).startswith("model.pkl: ")
    assert caught.value.remedy
    assert str(caught.value).count("\n") == 0
    assert len(str(caught.value)) < 300
    assert not (here / "owned").exists()


@pytest.mark.parametrize(
    "name", ["os.system", "nested stream", "late payload", "petabytes", "deep key", "marks"]
)
def test_the_child_refuses_as_this_process_does(name: str, here: Path) -> None:
    (here / "model.pkl").write_bytes(ATTACKS[name][1])
    with pytest.raises(CheckpointError) as there:
        read_raw(here / "model.pkl")
    with pytest.raises(CheckpointError) as local:
        read_here(ATTACKS[name][1], "model.pkl")
    assert str(there.value) == str(local.value)
    assert [one.name for one in here.iterdir() if one.name != "home"] == ["model.pkl"]


def test_the_good_parts_of_the_attacks_are_good() -> None:
    assert read_here(in_dict(GOOD))["/weight"].shape == (4,)
    assert read_here(archive(in_dict(tensor())))["/weight"].shape == (4,)


class _Call:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, eval, exec, print, getattr, __import__, open])
def test_what_python_pickles_as_a_call_is_refused(
    function: Callable[..., Any], protocol: int, here: Path
) -> None:
    call = _Call(function, "open('owned', 'w')")
    for value in (call, [call], {"a": call, "b": 1}, (1, (2, call))):
        with pytest.raises(CheckpointError):
            read_here(pickle.dumps(value, protocol=protocol))
    assert not (here / "owned").exists()


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".pkl")])
def test_a_payload_within_a_genuine_file_is_refused(name: str, here: Path) -> None:
    data = (GOLDEN / name).read_bytes()
    with pytest.raises(CheckpointError, match="could run code"):
        read_here(data[:-1] + SYSTEM + b"0.")
    with pytest.raises(CheckpointError, match="could run code"):
        read_here(data[:2] + SYSTEM + b"0" + data[2:])
    for global_name in (
        b"numpy._core.multiarray",
        b"torch_utils.persistence",
        b"numpy.core.multiarray",
    ):
        changed = data.replace(global_name, b"os".ljust(len(global_name), b"x"), 1)
        if changed != data:
            with pytest.raises(CheckpointError, match="could run code"):
                read_here(changed)


def test_values_shared_by_millions_are_written_out_once() -> None:
    laughs = b"]q\x00" + text("ha" * 500) + b"a0"
    for level in range(1, 40):
        laughs += b"]q" + bytes([level]) + b"(" + (b"h" + bytes([level - 1])) * 20 + b"e0"
    data = P3 + b"}(" + text("w") + GOOD + text("x") + laughs.removesuffix(b"0") + b"u."
    assert list(read_here(data)) == ["/w"]


def test_tensors_that_share_their_bytes_too_often_are_refused() -> None:
    count = 2**18
    big = stream(P3 + ident(count=count, view=b"N") + b".", values=bytes(4 * count), told=count)
    first = nested(big) + b"q\x00"
    items = text("a") + tensor(first, shape=(count,))
    items += b"".join(text(f"b{i}") + tensor(b"h\x00", shape=(count,)) for i in range(40))
    with pytest.raises(CheckpointError, match="share bytes"):
        read_here(P3 + b"}(" + items + b"u.")


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (1, (4,), (1,)),
        (0, (5,), (1,)),
        (0, (2, 2), (4, 1)),
        (0, (2, 2), (2, 2)),
        (0, (4, 4), (0, 1)),
        (0, (2**20,), (0,)),
        (-1, (4,), (1,)),
        (0, (-4,), (1,)),
        (0, (4,), (-1,)),
        (0, (4,), (1, 1)),
        (0, (2**39, 2**39, 2**39), (0, 0, 0)),
        (0, (2**62,), (1,)),
        (5, (0,), (1,)),
        (0, (1,) * 9, (1,) * 9),
        (0, (0, 2**39, 2**39), (1, 1, 1)),
    ],
)
def test_a_tensor_that_leaves_its_storage_is_refused(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    with pytest.raises(CheckpointError):
        read_here(archive(in_dict(tensor(offset=offset, shape=shape, strides=strides))))


def test_a_pickle_of_endless_steps_is_refused_in_time_and_memory(here: Path) -> None:
    for step in (b"}0", b"]\x94", b")\x85\x94"):
        (here / "model.pkl").write_bytes(P4 + step * 400_000 + b"N.")
        with pytest.raises(CheckpointError, match="more steps"):
            read_raw(here / "model.pkl")


def test_a_network_that_contains_itself_is_refused() -> None:
    module = b"ctorch.nn.modules.linear\nIdentity\n)\x81q\x00}" + text("_modules")
    module += b"}" + text("again") + b"h\x00s" + b"sb"
    with pytest.raises(CheckpointError, match="parts within parts"):
        read_here(P3 + b"}" + text("G") + module + b"s.")


def test_values_that_are_not_finite_are_refused_by_name(here: Path) -> None:
    values = struct.pack("<4f", 1, 2, float("nan"), 4)
    (here / "nan.pt").write_bytes(archive(in_dict(tensor()), values))
    with pytest.raises(CheckpointError, match=r"nan\.pt: the tensor 'weight' holds values that"):
        read_raw(here / "nan.pt")
