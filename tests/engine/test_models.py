"""Weights by their digest, safetensors with suspicion, ONNX graphs without weights, the library."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file, save_file

from engine.backends.external_names import external_names
from engine.cancel import CancelToken
from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import (
    parse_safetensors,
    read_safetensors,
    write_safetensors,
)
from engine.errors import CheckpointError, ModelError
from engine.frame import ModelInfo
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.card import GRAPHS
from engine.models.library import ModelLibrary
from engine.models.opened import can_run_native, open_model
from engine.models.stylegan2_layout import infer_config, noisy_layers, shapes_of
from engine.models.to_onnx import BAR
from engine.recipe import ModelRef, Noise
from engine.services import background
from engine.services.background import GraphExports, export_graphs_of, lacks_graphs
from engine.services.models import import_model, inspect, open_path
from tests.random_model import CONFIG, NAME, TINY, random_tensors


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_the_digest_depends_on_names_types_shapes_and_values_alone() -> None:
    a, b = np.arange(6, dtype=np.float32), np.ones((2, 3), np.float16)
    digest = weights_sha256({"a": a, "b": b})
    assert digest == weights_sha256({"b": b, "a": a.astype(">f4")})
    assert digest == weights_sha256({"a": a, "b": np.asfortranarray(b)})
    others = [
        {"a": a, "c": b},
        {"a": a.reshape(2, 3), "b": b},
        {"a": a, "b": b.astype(np.float32)},
        {"a": a + 1, "b": b},
        {"a": a},
    ]
    assert len({digest, *map(weights_sha256, others)}) == len(others) + 1


def test_safetensors_are_read_and_written_as_the_library_does(tmp_path: Path) -> None:
    tensors = {
        "x": np.arange(6, dtype=np.float16).reshape(2, 3),
        "y": np.array(2.5, np.float32),
        "z": np.zeros((0, 4), np.int64),
    }
    save_file(tensors, tmp_path / "theirs.safetensors", {"note": "text"})
    write_safetensors(tmp_path / "ours.safetensors", tensors)
    found = read_safetensors(tmp_path / "theirs.safetensors")
    back = load_file(tmp_path / "ours.safetensors")
    for name, array in tensors.items():
        for got in (found[name], back[name]):
            assert got.dtype == array.dtype
            np.testing.assert_array_equal(got, array)


def entry(dtype: Any = "F32", shape: Any = (2,), span: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(span)}


HOSTILE: dict[str, tuple[Any, bytes]] = {
    "overlap": ({"a": entry(), "b": entry(span=(4, 12))}, bytes(12)),
    "hole": ({"a": entry(), "b": entry(span=(12, 20))}, bytes(20)),
    "past the end": ({"a": entry(span=(8, 16))}, bytes(8)),
    "left over": ({"a": entry()}, bytes(9)),
    "cut off": ({"a": entry()}, bytes(7)),
    "negative": ({"a": entry(shape=(-2,))}, bytes(8)),
    "overflow": ({"a": entry(shape=(2**40, 2**40))}, bytes(8)),
    "fraction": ({"a": entry(shape=(2.0,))}, bytes(8)),
    "true as a size": ({"a": entry(shape=(True, 2))}, bytes(8)),
    "unknown type": ({"a": entry(dtype="F8")}, bytes(8)),
    "more fields": ({"a": entry() | {"code": "x"}}, bytes(8)),
    "not finite": ({"a": entry()}, struct.pack("<ff", 1.0, float("nan"))),
    "neither true nor false": ({"a": entry("BOOL", (8,))}, b"\2" * 8),
    "control characters": ({"a\x1b[2J": entry()}, bytes(8)),
    "notes that are not text": ({"__metadata__": {"a": 1}}, b""),
    "a list": ([1, 2], b""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_safetensors_file_is_refused(name: str) -> None:
    header, body = HOSTILE[name]
    text = json.dumps(header).encode()
    with pytest.raises(CheckpointError):
        parse_safetensors(len(text).to_bytes(8, "little") + text + body, "hostile")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 8,
        b"\xff" * 64,
        (2).to_bytes(8, "little") + b"\xff\xfe",
        (44).to_bytes(8, "little") + b'{"a":' + b"[" * 39,
        (8).to_bytes(8, "little") + b'{"a":1,"a":1}',
        (100_000).to_bytes(8, "little") + b"[" * 100_000,
    ],
    ids=["empty", "zeros", "overlong", "not UTF-8", "cut", "doubled", "deep"],
)
def test_a_damaged_safetensors_header_is_refused(data: bytes) -> None:
    with pytest.raises(CheckpointError):
        parse_safetensors(data, "damaged")


@pytest.mark.parametrize("graph", ["mapping.onnx", "synthesis.onnx"])
def test_graphs_hold_no_weights_and_nothing_of_this_machine(model_folder: Path, graph: str) -> None:
    data = (model_folder / graph).read_bytes()
    model = onnx.load_model_from_string(data)
    outside = [i.name for i in model.graph.initializer if i.data_location == i.EXTERNAL]
    inside = [i for i in model.graph.initializer if i.data_location != i.EXTERNAL]
    assert outside
    assert set(outside) < set(shapes_of(CONFIG))
    assert all(int(np.prod(i.dims)) <= 16 for i in inside)
    assert len(data) < 60_000
    assert b".py" not in data
    assert str(Path.cwd()).encode() not in data
    assert external_names(data) == tuple(outside)
    assert model.opset_import[0].version == 20


@pytest.mark.parametrize("cut", [1, 100, 1000])
def test_a_cut_graph_is_told(model_folder: Path, info: ModelInfo, cut: int) -> None:
    path = model_folder / "synthesis.onnx"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ModelError):
        open_model(info, "onnx")


def test_both_backends_agree(info: ModelInfo) -> None:
    here, there = open_model(info, "onnx"), open_model(info, "torch")
    z = np.random.RandomState(0).randn(3, info.z_dim).astype(np.float32)
    ws = here.map(z)
    np.testing.assert_allclose(ws, there.map(z), atol=1e-4)
    assert np.ptp(here.pixels(ws).astype(int), axis=(1, 2)).min() > 20
    for noise in (Noise(), Noise("none"), Noise("random", 7), Noise("const", 0, 2.5)):
        a, b = here.pixels(ws, noise), there.pixels(ws, noise)
        assert a.shape == (3, 16, 16, 3)
        assert a.dtype == np.uint8
        assert np.abs(a.astype(int) - b).max() <= 2
    np.testing.assert_allclose(here.synthesize(ws), there.synthesize(ws), atol=1e-3)


def test_pixels_are_the_image_scaled_rounded_and_clipped(info: ModelInfo) -> None:
    model = open_model(info)
    ws = model.map(np.random.RandomState(1).randn(2, info.z_dim)) * 1.5
    image = model.synthesize(ws)
    assert image.max() > 1  # else nothing would be clipped
    wanted = np.clip(np.rint(image * 127.5 + 127.5), 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(model.pixels(ws), wanted.transpose(0, 2, 3, 1))


def test_a_picture_does_not_depend_on_its_batch(info: ModelInfo) -> None:
    model = open_model(info)
    ws = model.map(np.random.RandomState(2).randn(3, info.z_dim))
    together = model.synthesize(ws)
    apart = np.concatenate([model.synthesize(one[None]) for one in ws])
    np.testing.assert_allclose(together, apart, atol=1e-5)


def test_psi_zero_is_the_average_and_cutoff_leaves_the_fine_layers(info: ModelInfo) -> None:
    model = open_model(info)
    z = np.random.RandomState(3).randn(2, info.z_dim)
    ws = model.map(z)
    np.testing.assert_allclose(model.map(z, psi=0.0), np.broadcast_to(model.w_avg, ws.shape))
    half = model.map(z, psi=0.0, cutoff=2)
    np.testing.assert_array_equal(half[:, 2:], ws[:, 2:])
    np.testing.assert_allclose(half[:, :2], model.map(z, psi=0.0)[:, :2])


@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_a_z_of_zeros_gives_a_picture(info: ModelInfo, backend: Any) -> None:
    model = open_model(info, backend)
    assert np.isfinite(model.synthesize(model.map(np.zeros((1, info.z_dim))))).all()


@pytest.mark.parametrize("shape", [(1, 15), (16,), (0, 16), (1, 2, 16)])
def test_latents_of_another_shape_are_refused(info: ModelInfo, shape: tuple[int, ...]) -> None:
    model = open_model(info)
    with pytest.raises(ModelError, match="must have the shape"):
        model.map(np.zeros(shape))
    with pytest.raises(ModelError, match="must have the shape"):
        model.synthesize(np.zeros(shape))
    with pytest.raises(ModelError, match="not finite"):
        model.map(np.full((1, info.z_dim), np.nan))


def test_missing_weights_name_file_digest_and_remedy(
    info: ModelInfo, model_folder: Path, home: Path
) -> None:
    path = model_folder / "weights.safetensors"
    path.unlink()
    with pytest.raises(ModelError) as caught:
        open_model(ModelLibrary(home).find(NAME))
    assert str(path) in caught.value.what
    assert info.sha256 in caught.value.what
    assert caught.value.remedy == "Import the model again."


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.999])
def test_a_flipped_bit_in_the_weights_is_told(
    info: ModelInfo, model_folder: Path, share: float
) -> None:
    path = model_folder / "weights.safetensors"
    flip(path, int(path.stat().st_size * share))
    with pytest.raises(ModelError):
        open_model(info)


def test_the_library_lists_what_works_and_tells_what_does_not(
    home: Path, model_folder: Path
) -> None:
    damaged = home / "models" / "damaged"
    damaged.mkdir()
    (damaged / "card.json").write_text('{"name": "damaged"')
    library = ModelLibrary(home, bundled=home / "nothing")
    assert [one.name for one in library.models()] == [NAME]
    assert "damaged" in library.problems()
    with pytest.raises(ModelError, match="is no JSON"):
        library.find("damaged")
    with pytest.raises(ModelError, match=NAME):
        library.find("else")
    info = library.find(NAME)
    assert library.resolve(ModelRef("another name", info.sha256)) is info
    with pytest.raises(ModelError, match=f"'gone'.*{'0' * 64}"):
        library.resolve(ModelRef("gone", "0" * 64))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../outside"),
        ("weights_sha256", "12"),
        ("family", ""),
        ("config", {"resolution": 16}),
        ("config", {"resolution": "16"}),
        ("config", {**CONFIG.to_dict(), "w_dim": -1}),
        ("config", {**CONFIG.to_dict(), "num_ws": 3}),
    ],
)
def test_a_card_that_does_not_fit_is_told(
    home: Path, model_folder: Path, field: str, value: Any
) -> None:
    card = json.loads((model_folder / "card.json").read_text())
    (model_folder / "card.json").write_text(json.dumps({**card, field: value}))
    library = ModelLibrary(home, bundled=home / "nothing")
    assert library.models() == ()
    assert NAME in library.problems()


def test_sizes_are_read_from_the_shapes() -> None:
    assert infer_config(random_tensors(), "here") == CONFIG
    classes = replace(CONFIG, c_dim=3, img_channels=1)
    assert infer_config(random_tensors(classes), "here") == classes
    assert noisy_layers(CONFIG)[:2] == (("synthesis.b4.conv1", 4), ("synthesis.b8.conv0", 8))


def test_a_generator_in_safetensors_is_imported_once(home: Path, tmp_path: Path) -> None:
    library = ModelLibrary(home, bundled=home / "nothing")
    path = tmp_path / "mine.safetensors"
    write_safetensors(path, random_tensors(TINY))
    assert inspect(path)["config"] == TINY.to_dict()
    info = import_model(library, path)
    assert (info.name, info.resolution, info.bundled) == ("mine", 4, False)
    assert info.sha256 == weights_sha256(random_tensors(TINY))
    assert open_model(info).backend.name == "onnx"
    with pytest.raises(ModelError, match="already, as mine"):
        import_model(library, path, "again")
    assert [one.name for one in (home / "models").iterdir()] == ["mine"]


def test_the_graphs_of_a_model_are_made_in_the_background(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    write_safetensors(path, random_tensors(TINY))
    library = ModelLibrary(home, bundled=home / "nothing")
    info = import_model(library, path, graphs=False)
    assert lacks_graphs(info)
    assert open_model(info).backend.name == ("native" if can_run_native(info) else "torch")
    largest = export_graphs_of(home, "mine", lambda _: None, CancelToken())
    assert largest <= BAR
    assert not lacks_graphs(info)
    assert open_model(info).backend.name == "onnx"


def test_a_graph_that_disagrees_is_told_of_and_not_tried_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.safetensors"
    write_safetensors(path, random_tensors(TINY))
    library = ModelLibrary(home, bundled=home / "nothing")
    info = import_model(library, path, graphs=False)

    def disagree(*_: object) -> int:
        raise ModelError("The ONNX graphs differ from torch.")

    monkeypatch.setattr(background, "write_graphs", disagree)
    with pytest.raises(ModelError, match="differ"):
        export_graphs_of(home, "mine", lambda _: None, CancelToken())
    assert not lacks_graphs(info)
    assert "differ" in json.loads((info.folder / GRAPHS).read_text())["refused"]
    assert open_model(info).backend.name != "onnx"


def test_what_was_asked_for_in_the_background_is_asked_for_once(home: Path) -> None:
    exports = GraphExports(home)
    assert exports.add("nobody") is not None
    assert exports.add("nobody") is None
    with pytest.raises(ModelError, match="no model called 'nobody'"):
        exports.wait()
    exports.close()


def test_a_checkpoint_is_opened_by_its_path_and_not_kept(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "passing.safetensors"
    write_safetensors(path, random_tensors(seed=6))
    model = open_path(path)
    assert model.backend.name == ("native" if can_run_native(model.info) else "torch")
    assert model.synthesize(model.map(np.ones((1, 16)))).shape == (1, 3, 16, 16)
    assert not (home / "models").exists()


@pytest.mark.parametrize("name", ["model.pkl", "model.pt", "model.bin"])
def test_a_pickle_that_holds_nothing_is_refused_under_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x80\x04.")
    with pytest.raises(CheckpointError, match=rf"{name}: its pickle leaves more or less"):
        open_path(path)
    with pytest.raises(CheckpointError, match="There is no file"):
        open_path(tmp_path / "nothing.safetensors")


def test_a_tensor_that_does_not_fit_is_named(tmp_path: Path) -> None:
    tensors = random_tensors()
    for change in ("lacks", "extra", "shape"):
        changed = dict(tensors)
        if change == "lacks":
            del changed["synthesis.b8.conv0.bias"]
        elif change == "extra":
            changed["synthesis.b8.conv0.bias2"] = np.zeros(3, np.float16)
        else:
            changed["synthesis.b8.conv0.bias"] = np.zeros(3, np.float16)
        path = tmp_path / f"{change}.safetensors"
        write_safetensors(path, changed)
        with pytest.raises(CheckpointError, match=r"synthesis\.b8\.conv0\.bias"):
            inspect(path)


def test_a_config_says_when_it_contradicts_itself() -> None:
    with pytest.raises(ModelError):
        StyleGAN2Config(resolution=48)
