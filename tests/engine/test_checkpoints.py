"""Published checkpoints are read without running them, and hostile ones are refused in words."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.checkpoints import child
from engine.checkpoints.child import read_apart
from engine.checkpoints.read import read_raw
from engine.errors import CheckpointError

GOLDEN = Path(__file__).parent.parent / "golden" / "checkpoints"
MARKER = "heldout-marker-module-src"
FORMATS = {
    "sg2ada_64.pkl": ("nvidia-pickle", {"G", "D", "G_ema", "augment_pipe"}),
    "sg3t_64_cond10.pkl": ("nvidia-pickle", {"G", "D", "G_ema", "augment_pipe"}),
    "sg3r_64.pkl": ("nvidia-pickle", {"G", "D", "G_ema", "augment_pipe"}),
    "legacy_tf_64.pkl": ("tf-pickle", {"G", "D", "Gs"}),
    "rosinality_64.pt": ("torch-zip", {"g_ema"}),
}


class Runs:
    """Pickles into a call of `function` with `arguments`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def written(folder: Path, data: bytes, name: str = "model.pkl") -> Path:
    """A file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path


def saved(value: Any, **how: Any) -> bytes:
    """What torch writes."""
    file = io.BytesIO()
    torch.save(value, file, **how)
    return file.getvalue()


@pytest.mark.parametrize("name", FORMATS)
def test_a_published_checkpoint_is_read_and_nothing_in_it_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    raw = read_apart(GOLDEN / name)
    format, networks = FORMATS[name]
    assert raw.format == format
    assert {one.name for one in raw.networks} == networks
    assert all(one.tensors for one in raw.networks)
    for one, here in zip(raw.networks, read_raw(GOLDEN / name).networks, strict=True):
        assert one.init == here.init
        assert {k: v.shape for k, v in one.tensors.items()} == {
            k: v.shape for k, v in here.tensors.items()
        }
    assert not list(tmp_path.iterdir())
    assert not list(Path().glob(f"**/{MARKER}"))


def test_arguments_and_classes_are_told() -> None:
    raw = read_raw(GOLDEN / "sg3t_64_cond10.pkl")
    best = next(one for one in raw.networks if one.name == "G_ema")
    assert best.class_name == "Generator"
    assert best.init["c_dim"] == 10
    assert best.tensors["mapping.w_avg"].shape == (best.init["w_dim"],)


@pytest.mark.parametrize("old", [False, True])
def test_training_checkpoints_with_a_namespace_are_read(tmp_path: Path, old: bool) -> None:
    weights = OrderedDict(a=torch.arange(6.0).reshape(2, 3), b=torch.ones(2, dtype=torch.half))
    whole = {"g_ema": weights, "g": weights, "args": argparse.Namespace(size=64), "latent_avg":
             torch.arange(4.0), "g_optim": {"state": {0: {"step": 3}}}}  # fmt: skip
    path = written(tmp_path, saved(whole, _use_new_zipfile_serialization=not old), "model.pt")
    raw = read_apart(path)
    assert [one.name for one in raw.networks] == ["g_ema", "g"]
    np.testing.assert_array_equal(raw.networks[0].tensors["a"], np.arange(6.0).reshape(2, 3))
    assert raw.networks[0].tensors["b"].dtype == np.float16
    np.testing.assert_array_equal(raw.extra["latent_avg"], np.arange(4.0))


def test_views_and_bfloat16_come_out_as_torch_means_them(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    state = {"turned": base.t(), "part": base[1:, 1:3], "brain": base.bfloat16(),
             "count": torch.tensor(7)}  # fmt: skip
    raw = read_raw(written(tmp_path, saved(state), "model.pt"))
    found = raw.networks[0].tensors
    np.testing.assert_array_equal(found["turned"], base.t().numpy())
    np.testing.assert_array_equal(found["part"], base[1:, 1:3].numpy())
    np.testing.assert_array_equal(found["brain"], base.numpy())
    assert int(found["count"]) == 7


def calls(marker: Path) -> dict[str, bytes]:
    """Pickles that would run something."""
    touch = f"touch {marker}"
    good = pickle.dumps({"a": np.ones(3, np.float32)})
    instance = f"(S'{touch}'\nios\nsystem\n.".encode()
    computed = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + bytes([len(touch)]) + touch.encode()
    return {
        "a system call": pickle.dumps(Runs(os.system, touch)),
        "an evaluation": pickle.dumps({"a": Runs(eval, f"open({str(marker)!r}, 'w')")}),
        "a computed name": computed + b"\x85R.",
        "an instance": b"\x80\x02" + instance,
        "numpy's loader": pickle.dumps(Runs(np.load, str(marker), None, True)),
        "torch's loader": pickle.dumps(Runs(torch.load, str(marker))),
        "a payload behind good data": good[:-1] + b"0" + pickle.dumps(Runs(os.system, touch))[2:],
        "a second pickle": good + pickle.dumps(Runs(os.system, touch)),
        "a payload before damage": pickle.dumps(Runs(os.system, touch))[:-1] + b"\xff\xff",
        "a nested torch file": pickle.dumps(
            Runs(torch.storage._load_from_bytes, saved(Runs(os.system, touch)))
        ),
        "an extension": b"\x80\x02\x82\x01.",
        "a name by persistence": b"\x80\x02Pos.system\n.",
    }


@pytest.mark.parametrize("attack", calls(Path("x")))
def test_what_would_run_is_refused(attack: str, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    path = written(tmp_path, calls(marker)[attack])
    with pytest.raises(CheckpointError) as caught:
        read_raw(path)
    assert path.name in caught.value.what
    assert not marker.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 2**50) + b"x.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.",
        b"\x80\x02r\xff\xff\xff\x7f.",
        b"\x80\x02Nr\xff\xff\xff\x7f.",
        b"\x80\x02h\x05.",
        b"\x80\x02](N\x90.",
        b"\x80\x02]NNs.",
        b"\x80\x02(((.",
        b"\x80\x02.",
        b"\x80\x02NN.",
        b"\x80\x02NN",
        b"\x80\x02" + b"]" * 300 + b"a" * 299 + b".",
        b"\x80\x02}}Ns.",
        b"\x80\x02Nb.",
    ],
)
def test_broken_pickles_are_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        read_raw(written(tmp_path, data))


def rewritten(change: Callable[[zipfile.ZipInfo, bytes], tuple[zipfile.ZipInfo, bytes]]) -> bytes:
    """A torch file with every entry changed."""
    source = zipfile.ZipFile(io.BytesIO(saved({"a": torch.ones(40)})))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for info in source.infolist():
            out.writestr(*change(info, source.read(info)))
    return file.getvalue()


def renamed(name: str) -> bytes:
    """With the storage under another name."""

    def change(info: zipfile.ZipInfo, data: bytes) -> tuple[zipfile.ZipInfo, bytes]:
        return zipfile.ZipInfo(name if info.filename.endswith("data/0") else info.filename), data

    return rewritten(change)


def packed(info: zipfile.ZipInfo, data: bytes) -> tuple[zipfile.ZipInfo, bytes]:
    """Deflated, as bombs are."""
    info.compress_type = zipfile.ZIP_DEFLATED
    return info, data


def shortened(info: zipfile.ZipInfo, data: bytes) -> tuple[zipfile.ZipInfo, bytes]:
    """With too few values."""
    return info, data[:8] if info.filename.endswith("data/0") else data


def script() -> bytes:
    """A TorchScript archive by its look."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("m/code/__torch__.py", "import os")
        out.writestr("m/data.pkl", b"\x80\x02N.")
    return file.getvalue()


ZIPS: dict[str, Callable[[], bytes]] = {
    "a way out of the folder": lambda: renamed("archive/../../data/0"),
    "an absolute name": lambda: renamed("/data/0"),
    "a packed entry": lambda: rewritten(packed),
    "a short storage": lambda: rewritten(shortened),
    "a missing storage": lambda: renamed("archive/data/9"),
    "TorchScript": script,
    "a cut zip": lambda: saved({"a": torch.ones(40)})[:-60],
}


@pytest.mark.parametrize("attack", ZIPS)
def test_odd_torch_archives_are_refused(attack: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"model\.pt"):
        read_raw(written(tmp_path, ZIPS[attack](), "model.pt"))


def test_a_tensor_may_not_reach_past_or_repeat_its_values(tmp_path: Path) -> None:
    for size, stride in (((5, 8), (9, 1)), ((2**20, 40), (0, 1)), ((41,), (1,))):
        data = saved({"a": torch.ones(40).as_strided((4, 10), (10, 1))})
        source = zipfile.ZipFile(io.BytesIO(data))
        tree = source.read("archive/data.pkl")
        old = b"K\x04K\n\x86q"
        assert tree.count(old) == 1
        new = pickle.dumps(size, 2)[2:-1] if len(size) == 1 else _pair(size)
        changed = tree.replace(old, new + b"q").replace(b"K\nK\x01\x86q", _strides(stride) + b"q")
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as out:
            for info in source.infolist():
                own = changed if info.filename.endswith("data.pkl") else source.read(info)
                out.writestr(info, own)
        with pytest.raises(CheckpointError):
            read_raw(written(tmp_path, file.getvalue(), "model.pt"))


def _pair(values: tuple[int, ...]) -> bytes:
    return b"".join(b"J" + struct.pack("<i", value) for value in values) + b"\x86"


def _strides(values: tuple[int, ...]) -> bytes:
    return _pair(values) if len(values) == 2 else b"J" + struct.pack("<i", values[0]) + b"\x85"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\x1f\x8b\x08\x00rest", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "kind that is not read"),
        (b"", "kind that is not read"),
    ],
)
def test_what_is_no_checkpoint_is_named(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=words):
        read_raw(written(tmp_path, data))


def test_weights_that_are_not_finite_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, saved({"layer.weight": torch.tensor([1.0, float("nan")])}), "model.pt")
    with pytest.raises(CheckpointError, match=r"layer\.weight.*not finite"):
        read_raw(path)


def test_cut_and_flipped_files_never_crash(tmp_path: Path) -> None:
    source = np.random.RandomState(0)
    refusals: list[str] = []
    for good in (saved({"a": torch.ones(4)}), pickle.dumps({"a": np.ones(4)}, 4)):
        for _ in range(300):
            data = bytearray(good)
            if source.rand() < 0.3:
                del data[source.randint(len(data)) :]
            else:
                data[source.randint(len(data))] ^= 1 << source.randint(8)
            try:
                raw = read_raw(written(tmp_path, bytes(data), "model.pt"))
                assert raw.networks
            except CheckpointError as error:
                refusals.append(error.what)
    assert len(refusals) > 100
    assert all("model.pt" in words for words in refusals)


def test_the_child_is_held_to_its_time_and_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, saved({"a": torch.ones(4)}), "model.pt")
    with monkeypatch.context() as patch:
        patch.setattr(child, "SECONDS", 0.01)
        with pytest.raises(CheckpointError, match="could not be read within"):
            read_apart(path)
    with monkeypatch.context() as patch:
        patch.setattr(child, "BASE_MEMORY", 0)
        patch.setattr(child, "MORE_MEMORY", 2**20)
        patch.setattr(child, "COPIES", 0)
        large = written(tmp_path, saved({"a": torch.ones(10_000_000)}), "large.pt")
        with pytest.raises(CheckpointError, match="memory or stopped"):
            read_apart(large)
    assert read_apart(path).networks[0].tensors["a"].tolist() == [1.0] * 4


def test_every_instruction_of_the_fixtures_is_known() -> None:
    data = (GOLDEN / "sg3r_64.pkl").read_bytes()
    assert {code.name for code, _, _ in pickletools.genops(data)} >= {"REDUCE", "STACK_GLOBAL"}
    assert MARKER.encode() in data  # the trap is there, and is never sprung
