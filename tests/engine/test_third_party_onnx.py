"""Generators that somebody else exported to ONNX open directly, once they behaved in a child."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.errors import CheckpointError, ModelError
from engine.latents import Seed
from engine.models.foreign import GRAPH
from engine.models.library import load_tensors
from engine.recipe import Generate, Recipe
from engine.services.engines import available
from engine.services.models import inspect, open_path
from engine.studio import Studio

SIDE = 8


def generator(
    source: list[Any], image: list[Any], *, kind: int = TensorProto.FLOAT, name: str = "z"
) -> Any:
    """A graph that spreads a product with a matrix over a picture. source, image: shapes."""
    length = int(np.prod(source[1:]))
    weight = np.random.RandomState(0).randn(length, int(np.prod(image[1:]))) * 0.2
    nodes = [
        helper.make_node("Flatten", [name], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["product"]),
        helper.make_node("Tanh", ["product"], ["signal"]),
        helper.make_node("Reshape", ["signal", "shape"], ["float"]),
    ]
    if kind == TensorProto.UINT8:
        nodes += [
            helper.make_node("Mul", ["float", "half"], ["scaled"]),
            helper.make_node("Add", ["scaled", "half"], ["shifted"]),
            helper.make_node("Cast", ["shifted"], ["image"], to=TensorProto.UINT8),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["float"], ["image"]))
    values = [
        numpy_helper.from_array(weight.astype(np.float32), "w"),
        numpy_helper.from_array(np.array([-1, *image[1:]], np.int64), "shape"),
        numpy_helper.from_array(np.array(127.5, np.float32), "half"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, source)],
        [helper.make_tensor_value_info("image", kind, image)],
        values,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


KINDS = {
    "z": generator(["n", 12], ["n", 3, SIDE, SIDE]),
    "z as a map": generator(["n", 12, 1, 1], ["n", 1, SIDE, SIDE]),
    "w of every layer": generator(["n", 4, 6], ["n", 3, SIDE, SIDE], name="ws"),
    "bytes, channels last": generator(["n", 12], ["n", SIDE, SIDE, 3], kind=TensorProto.UINT8),
    "one picture at a time": generator([1, 12], [1, 3, SIDE, SIDE]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_opens_and_makes_pictures(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.onnx"
    path.write_bytes(KINDS[kind].SerializeToString())
    model = open_path(path)
    assert model.info.family == "onnx"
    assert model.info.resolution == SIDE
    z = np.random.RandomState(1).randn(3, model.z_dim).astype(np.float32)
    pixels = model.pixels(model.map(z))
    assert pixels.shape[:3] == (3, SIDE, SIDE)
    assert np.ptp(pixels, axis=(1, 2)).min() > 10
    assert not np.array_equal(pixels[0], pixels[1])
    image = model.synthesize(model.map(z))
    assert np.abs(image).max() <= 1.01
    assert image.min() < -0.1


REFUSED = {
    "no picture": (generator(["n", 12], ["n", 5, 2]), "which is no picture"),
    "a picture in": (generator(["n", 3, 4, 4], ["n", 3, SIDE, SIDE]), "not a latent vector"),
    "not square": (generator(["n", 12], ["n", 3, 4, SIDE]), "no square picture"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_generator_is_refused_with_a_reason(kind: str, tmp_path: Path) -> None:
    graph, words = REFUSED[kind]
    path = tmp_path / "other.onnx"
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(CheckpointError, match=words):
        open_path(path)


def test_a_graph_whose_picture_never_changes_is_refused(tmp_path: Path) -> None:
    graph = generator(["n", 12], ["n", 3, SIDE, SIDE])
    for value in graph.graph.initializer:
        if value.name == "w":
            value.CopyFrom(numpy_helper.from_array(np.zeros((12, 3 * SIDE**2), np.float32), "w"))
    path = tmp_path / "flat.onnx"
    onnx.save(graph, path)
    with pytest.raises(CheckpointError, match="same picture"):
        open_path(path)


def test_a_graph_that_wants_too_much_memory_is_refused_and_this_process_lives(
    tmp_path: Path,
) -> None:
    graph = generator(["n", 12], ["n", 3, SIDE, SIDE])
    # The sizes are worked out while it runs, so that no reader sees them before.
    graph.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([1 << 17, 1 << 17], np.int64), "root"),
            numpy_helper.from_array(np.array([1, 1], np.int64), "unit"),
        ]
    )
    graph.graph.node.extend(
        [
            helper.make_node("Mul", ["root", "unit"], ["size"]),
            helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros"], ["nothing"], keepdims=0),
            helper.make_node("Add", ["image", "nothing"], ["louder"]),
        ]
    )
    graph.graph.output[0].name = "louder"
    path = tmp_path / "huge.onnx"
    onnx.save(graph, path)
    with pytest.raises(CheckpointError):
        open_path(path)


def conditional() -> Any:
    """A graph of z and three classes, which it adds to the first pixels."""
    graph = generator(["n", 12], ["n", 3, SIDE, SIDE])
    graph.graph.input.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, ["n", 3]))
    spread = np.zeros((3, 3 * SIDE**2), np.float32)
    spread[np.arange(3), np.arange(3)] = 2.0
    graph.graph.initializer.append(numpy_helper.from_array(spread, "spread"))
    graph.graph.node[1].output[0] = "plain"
    graph.graph.node.insert(2, helper.make_node("MatMul", ["c", "spread"], ["of class"]))
    graph.graph.node.insert(3, helper.make_node("Add", ["plain", "of class"], ["product"]))
    return graph


@pytest.mark.parametrize("kind", [*KINDS, "classes"])
def test_an_imported_graph_renders_recipes(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.onnx"
    path.write_bytes((conditional() if kind == "classes" else KINDS[kind]).SerializeToString())
    told = inspect(path)
    studio = Studio(tmp_path / "home")
    info = studio.import_model(path)
    assert (info.name, info.family, info.resolution) == ("theirs", "onnx", SIDE)
    assert info.sha256 == told["weights_sha256"]
    assert available(info) == ("onnx",)
    frame = studio.render(Recipe(Generate(studio.ref("theirs"), Seed(5))))
    model = open_path(path)
    z = np.random.RandomState(5).randn(1, model.z_dim).astype(np.float32)
    wanted = model.pixels(model.map(z))[0] if info.num_ws == 1 else None
    if wanted is not None:
        assert np.array_equal(frame.pixels, np.broadcast_to(wanted, frame.pixels.shape))
    path.unlink()
    assert Studio(tmp_path / "home").open("theirs").backend.name == "onnx"


def test_the_classes_of_an_imported_graph_change_its_pictures(tmp_path: Path) -> None:
    path = tmp_path / "kinds.onnx"
    onnx.save(conditional(), path)
    model = open_path(path)
    assert (model.info.c_dim, model.info.w_dim) == (3, 15)
    z = np.zeros((1, 12), np.float32)
    pictures = [
        model.synthesize(model.map(z, np.eye(3, dtype=np.float32)[i : i + 1])) for i in (0, 1)
    ]
    changed = np.argwhere(np.abs(pictures[0] - pictures[1]) > 0.5)
    assert changed.tolist() == [[0, 0, 0, 0], [0, 0, 0, 1]]


def test_values_beside_a_graph_come_along_and_count_in_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    graph = deepcopy(KINDS["z"])  # saving moves its values out of it
    onnx.save(graph, path, save_as_external_data=True, location="large.data")
    studio = Studio(tmp_path / "home")
    info = studio.import_model(path)
    (tmp_path / "large.data").unlink()
    assert (info.folder / "large.data").is_file()
    assert Studio(tmp_path / "home").open("large").synthesize(np.ones((1, 12), np.float32)).any()
    data = bytearray((info.folder / "large.data").read_bytes())
    data[0] ^= 1
    (info.folder / "large.data").write_bytes(data)
    with pytest.raises(ModelError, match="is not that of its card"):
        load_tensors(info)


def test_the_graph_of_a_model_folder_is_tried_anew_whatever_its_card_says(tmp_path: Path) -> None:
    path = tmp_path / "theirs.onnx"
    onnx.save(KINDS["z"], path)
    given = Studio(tmp_path / "giver").import_model(path).folder
    (given / GRAPH).write_bytes(REFUSED["not square"][0].SerializeToString())
    with pytest.raises(CheckpointError, match="no square picture"):
        Studio(tmp_path / "home").import_model(given)
    onnx.save(KINDS["z"], given / GRAPH)
    assert Studio(tmp_path / "home").import_model(given).name == "theirs"
