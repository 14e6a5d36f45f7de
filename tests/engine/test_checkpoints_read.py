"""Genuine checkpoints: the published layouts, and what torch and NumPy write, in every version."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import pickle
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.checkpoints.raw import RawCheckpoint
from engine.checkpoints.read import read_raw
from engine.checkpoints.safetensors_file import write_safetensors
from engine.errors import Cancelled, CheckpointError
from tests.engine.checkpoint_files import GOLDEN, NAMES, archive, in_dict, read_here, tensor

COUNTS = {
    "sg2ada_64.pkl": ("nvidia-pickle", {"G_ema": 106, "G": 106, "augment_pipe": 3, "D": 46}),
    "sg3t_64_cond10.pkl": ("nvidia-pickle", {"G_ema": 116, "G": 116, "augment_pipe": 3, "D": 64}),
    "sg3r_64.pkl": ("nvidia-pickle", {"G_ema": 114, "G": 114, "augment_pipe": 3, "D": 46}),
    "legacy_tf_64.pkl": ("tf-pickle", {"Gs": 93, "G": 93, "D": 28}),
    "rosinality_64.pt": ("torch-zip", {"g_ema": 99}),
}
AVERAGE = {
    "sg2ada_64.pkl": "mapping.w_avg",
    "sg3t_64_cond10.pkl": "mapping.w_avg",
    "sg3r_64.pkl": "mapping.w_avg",
    "legacy_tf_64.pkl": "dlatent_avg",
}
WEIGHT = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 7


def saved(value: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_a_published_layout_is_read_whole_and_nothing_in_it_is_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = read_raw(GOLDEN / name)
    form, counts = COUNTS[name]
    assert found.format == form
    assert {one.name: len(one.tensors) for one in found.networks} == counts
    assert list(counts) == [one.name for one in found.networks], "generators come first"
    assert found.source_sha256 == hashlib.sha256((GOLDEN / name).read_bytes()).hexdigest()
    assert all(np.isfinite(a).all() for one in found.networks for a in one.tensors.values())
    for folder in (tmp_path, Path(__file__).parents[2], GOLDEN):
        assert not list(folder.glob("heldout-marker*"))


@pytest.mark.parametrize(("name", "key"), AVERAGE.items())
def test_the_average_latent_is_the_one_of_the_published_code(name: str, key: str) -> None:
    known = np.load(GOLDEN / name.replace(".pkl", ".npz"))
    found = read_raw(GOLDEN / name).networks
    np.testing.assert_array_equal(found[0].tensors[key], known["w_avg"].reshape(-1))
    if name != "legacy_tf_64.pkl":
        pairs = ((a, found[1].tensors[k]) for k, a in found[0].tensors.items())
        assert any(not np.array_equal(a, b) for a, b in pairs), "G_ema is not G"


@pytest.mark.parametrize("name", ["sg2ada_64", "sg3t_64_cond10", "sg3r_64"])
def test_constructor_arguments_are_those_that_were_given(name: str) -> None:
    told = json.loads((GOLDEN / f"{name}.json").read_text())["kwargs"]
    first = read_raw(GOLDEN / f"{name}.pkl").networks[0]
    assert first.class_name == "Generator"
    assert first.init == told


def test_an_adaptive_generator_has_its_tensors_under_their_names() -> None:
    found = read_raw(GOLDEN / "sg2ada_64.pkl")
    shapes = {key: array.shape for key, array in found.networks[0].tensors.items()}
    assert shapes["synthesis.b4.const"] == (96, 4, 4)
    assert shapes["mapping.fc0.weight"] == (128, 128)
    assert shapes["synthesis.b64.conv1.noise_const"] == (64, 64)
    assert shapes["synthesis.b64.conv1.noise_strength"] == ()
    assert found.extra["training_set_kwargs"]["resolution"] == 64


def test_a_tensorflow_network_keeps_its_layout_and_its_builder() -> None:
    first = read_raw(GOLDEN / "legacy_tf_64.pkl").networks[0]
    assert (first.name, first.class_name) == ("Gs", "Network")
    assert first.init["latent_size"] == 96
    assert first.init["build_func_name"] == "f"
    assert first.tensors["mapping/Dense0/weight"].shape == (96, 96)
    assert first.tensors["lod"].shape == ()
    assert any(a.ndim == 4 and a.shape[:2] == (3, 3) for a in first.tensors.values()), "HWIO"


def test_an_archive_of_torch_holds_what_torch_reads() -> None:
    found = read_raw(GOLDEN / "rosinality_64.pt")
    known = torch.load(GOLDEN / "rosinality_64.pt", weights_only=True)
    assert set(found.networks[0].tensors) == set(known["g_ema"])
    for key, array in found.networks[0].tensors.items():
        np.testing.assert_array_equal(array, known["g_ema"][key].numpy())
    np.testing.assert_array_equal(found.extra["latent_avg"], known["latent_avg"].numpy())


def training_state() -> dict[str, Any]:
    g, d = torch.nn.Linear(3, 2), torch.nn.Conv2d(2, 3, 3)
    optimizer = torch.optim.Adam(g.parameters(), lr=0.002)
    g(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {
        "g": g.state_dict(),
        "d": d.state_dict(),
        "g_ema": {k: v + 1 for k, v in g.state_dict().items()},
        "g_optim": optimizer.state_dict(),
        "d_optim": torch.optim.SGD(d.parameters(), lr=0.1).state_dict(),
        "args": argparse.Namespace(size=64, path="/data", lr=0.002, kinds=[1, 2], dtype=torch.half),
        "ada_aug_p": np.float64(0.25),
    }


@pytest.mark.parametrize("zipped", [True, False])
def test_a_training_checkpoint_with_its_arguments_is_read(zipped: bool, tmp_path: Path) -> None:
    state = training_state()
    (tmp_path / "000100.pt").write_bytes(saved(state, _use_new_zipfile_serialization=zipped))
    found = read_raw(tmp_path / "000100.pt")
    assert found.format == ("torch-zip" if zipped else "torch-legacy")
    assert [one.name for one in found.networks] == ["g_ema", "g", "d"]
    np.testing.assert_array_equal(found.networks[1].tensors["weight"], state["g"]["weight"].numpy())
    assert found.extra["args"] == {
        "size": 64, "path": "/data", "lr": 0.002, "kinds": [1, 2], "dtype": "torch.float16",
    }  # fmt: skip
    assert found.extra["ada_aug_p"] == 0.25
    assert "g_optim" not in found.extra


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "value",
    [
        WEIGHT,
        WEIGHT.permute(2, 0, 1),
        WEIGHT[1:, :, 2:],
        WEIGHT.bfloat16(),
        WEIGHT.half(),
        WEIGHT.double(),
        (WEIGHT * 9).long(),
        (WEIGHT * 9).to(torch.uint8),
        WEIGHT > 1,
        torch.tensor(2.5),
        torch.zeros(0, 5),
        torch.nn.Parameter(WEIGHT),
    ],
    ids=str,
)
def test_every_kind_of_tensor_arrives_as_torch_has_it(value: torch.Tensor, zipped: bool) -> None:
    data = saved(OrderedDict(weight=value), _use_new_zipfile_serialization=zipped)
    found = read_here(data)["/weight"]
    known = value.detach()
    known = known.float() if known.dtype == torch.bfloat16 else known
    assert found.shape == tuple(known.shape)
    assert found.dtype == known.numpy().dtype
    np.testing.assert_array_equal(found, known.numpy())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_a_plain_pickle_is_read(protocol: int) -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.asfortranarray(np.ones((2, 3), np.float16)),
    }
    state = {"G": layer, "names": {1, 2}, "frozen": frozenset("a"), "size": torch.Size([1, 2]),
             "arrays": arrays, "empty": b"", "flag": np.bool_(True)}  # fmt: skip
    found = read_here(pickle.dumps(state, protocol=protocol))
    np.testing.assert_array_equal(found["G/0.weight"], layer[0].weight.detach().numpy())
    assert found["G/1.num_batches_tracked"].shape == ()
    np.testing.assert_array_equal(found["arrays/a"], arrays["a"])
    np.testing.assert_array_equal(found["arrays/b"], arrays["b"])


def test_a_loose_dict_of_tensors_is_a_plain_state_dict(tmp_path: Path) -> None:
    (tmp_path / "g.pt").write_bytes(archive(in_dict(tensor())))
    found = read_raw(tmp_path / "g.pt")
    assert [(one.name, list(one.tensors)) for one in found.networks] == [("", ["weight"])]


def test_safetensors_and_folders_of_them_come_through_the_same_door(tmp_path: Path) -> None:
    folder = tmp_path / "pipe"
    (folder / "unet").mkdir(parents=True)
    write_safetensors(folder / "unet" / "model.safetensors", {"a": np.ones(3, np.uint16)})
    (folder / "unet" / "config.json").write_text('{"_class_name": "UNet", "size": 8}')
    (folder / "model_index.json").write_text("{}")
    found = read_raw(folder / "unet" / "model.safetensors")
    assert (found.format, found.networks[0].tensors["a"].tolist()) == ("safetensors", [1, 1, 1])
    whole = read_raw(folder)
    assert (whole.format, whole.networks[0].name) == ("folder", "unet")
    assert (whole.networks[0].class_name, whole.networks[0].init["size"]) == ("UNet", 8)


@pytest.mark.parametrize("name", ["evil.py", "model.pkl", "pytorch_model.bin", "sub/x.ckpt"])
def test_a_folder_with_a_program_or_a_pickle_is_refused_whole(name: str, tmp_path: Path) -> None:
    write_safetensors(tmp_path / "model.safetensors", {"a": np.ones(3, np.float32)})
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(CheckpointError, match="a program or a pickle"):
        read_raw(tmp_path)


@pytest.mark.parametrize(
    "place", ["../x.safetensors", "/etc/x.safetensors", "a\\b.safetensors", "x.bin"]
)
def test_an_index_that_leads_elsewhere_is_refused(place: str, tmp_path: Path) -> None:
    write_safetensors(tmp_path / "model.safetensors", {"a": np.ones(3, np.float32)})
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": place}}))
    with pytest.raises(CheckpointError, match="sends its reader"):
        read_raw(tmp_path)
    index.write_text(json.dumps({"weight_map": {"a": "gone.safetensors"}}))
    with pytest.raises(CheckpointError, match="missing"):
        read_raw(tmp_path)
    index.unlink()
    (tmp_path / "link.safetensors").symlink_to(tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="a link"):
        read_raw(tmp_path)


def test_bfloat16_in_safetensors_becomes_float32(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"w": WEIGHT.bfloat16()}, tmp_path / "w.safetensors")
    found = read_raw(tmp_path / "w.safetensors").networks[0].tensors["w"]
    np.testing.assert_array_equal(found, WEIGHT.bfloat16().float().numpy())


def test_a_header_of_safetensors_with_millions_of_parts_is_refused(tmp_path: Path) -> None:
    text = b'{"a":[' + b"0," * 2_100_000 + b"0]}"
    (tmp_path / "w.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(CheckpointError, match="too many parts"):
        read_raw(tmp_path / "w.safetensors")


def test_a_safetensors_file_whose_length_begins_like_another_kind_is_still_one(
    tmp_path: Path,
) -> None:
    for length in (0x0280, 0x4B50, 0x5A4D):  # as a pickle, a .zip and a program begin
        text = b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'.ljust(length)
        (tmp_path / "x.bin").write_bytes(length.to_bytes(8, "little") + text + b"\1")
        assert read_raw(tmp_path / "x.bin").networks[0].tensors["a"].tolist() == [1]


def test_reading_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_raw(GOLDEN / "sg2ada_64.pkl", token)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.pkl: there is no such file"):
        read_raw(tmp_path / "gone.pkl")
    (tmp_path / "empty.pkl").touch()
    with pytest.raises(CheckpointError, match=r"empty\.pkl: the file is empty"):
        read_raw(tmp_path / "empty.pkl")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(CheckpointError, match=r"holds no \.safetensors file"):
        read_raw(tmp_path / "nothing")


def test_a_whole_module_of_torch_is_read_without_its_class(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (tmp_path / "m.pt").write_bytes(saved(torch.nn.Sequential(torch.nn.Linear(2, 2))))
    found: RawCheckpoint = read_raw(tmp_path / "m.pt")
    assert list(found.networks[0].tensors) == ["0.weight", "0.bias"]
    assert found.networks[0].class_name == "Sequential"
