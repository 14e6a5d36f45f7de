"""ONNX files: what a good one tells, and the ways in which a graph misleads or exhausts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.checkpoints.onnx_file import check_onnx
from engine.checkpoints.read import read_raw
from engine.checkpoints.refusal import naming
from engine.errors import CheckpointError

WEIGHT = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")


def model(
    nodes: list[Any] | None = None,
    weights: list[Any] | None = None,
    inputs: list[Any] | None = None,
    domain: str = "",
) -> Any:
    nodes = nodes or [helper.make_node("MatMul", ["x", "w"], ["y"])]
    inputs = inputs or [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights or [WEIGHT])
    opsets = [helper.make_opsetid("", 20)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=opsets)


def check(value: Any, folder: Path | None = None) -> Any:
    with naming("g.onnx"):
        return check_onnx(memoryview(value.SerializeToString()), folder)


def external(folder: Path, *, size: int = 64, **told: str) -> Any:
    weight = onnx.TensorProto()
    weight.CopyFrom(WEIGHT)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in told.items():
        weight.external_data.add(key=key, value=value)
    (folder / "w.bin").write_bytes(bytes(size))
    return model(weights=[weight])


def test_a_graph_tells_its_inputs_and_outputs(tmp_path: Path) -> None:
    (tmp_path / "g.onnx").write_bytes(model().SerializeToString())
    found = read_raw(tmp_path / "g.onnx")
    assert found.format == "onnx"
    assert found.networks[0].tensors == {}
    assert found.networks[0].init == {
        "inputs": {"x": {"type": "float32", "shape": ["batch", 4]}},
        "outputs": {"y": {"type": "float32", "shape": ["batch", 4]}},
        "nodes": 1,
        "opset": 20,
        "beside": [],
    }


def test_the_graphs_of_a_generator_are_good(model_folder: Path) -> None:
    outputs: dict[str, Any] = {}
    for path in model_folder.glob("*.onnx"):
        graph = onnx.load(path, load_external_data=False)
        for weight in graph.graph.initializer:
            if weight.data_location == TensorProto.EXTERNAL:
                weight.CopyFrom(
                    numpy_helper.from_array(np.zeros(weight.dims, np.float32), weight.name)
                )
        outputs |= check(graph).outputs
    assert outputs["w"] == {"type": "float32", "shape": ["n", 16]}
    assert outputs["pixels"] == {"type": "uint8", "shape": ["n", 16, 16, 3]}


def test_values_in_a_plain_file_beside_it_are_allowed(tmp_path: Path) -> None:
    good = external(tmp_path, location="w.bin", offset="0", length="64")
    assert check(good, tmp_path).inputs
    with pytest.raises(CheckpointError, match="in another file"):
        check(good, None)


@pytest.mark.parametrize(
    "place",
    ["../w.bin", "/etc/passwd", "sub/w.bin", "..", ".", "", "a\\w.bin", "C:w.bin", "~/w.bin",
     "file:w.bin", "gone.bin", "link.bin", "folder"],
)  # fmt: skip
def test_values_anywhere_else_are_refused(place: str, tmp_path: Path) -> None:
    home = tmp_path / "m"
    home.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(64))
    (home / "sub").mkdir()
    (home / "folder").mkdir()
    (home / "sub" / "w.bin").write_bytes(bytes(64))
    (home / "link.bin").symlink_to(tmp_path / "w.bin")
    with pytest.raises(CheckpointError, match=r"not beside the file|no plain file"):
        check(external(home, location=place), home)


@pytest.mark.parametrize(
    "told",
    [
        {"location": "w.bin", "offset": "1"},
        {"location": "w.bin", "offset": "-4"},
        {"location": "w.bin", "offset": "4e3"},
        {"location": "w.bin", "offset": "٣"},
        {"location": "w.bin", "length": "1125899906842624"},
        {"location": "w.bin", "length": "63"},
        {"location": "w.bin", "offset": str(2**63)},
        {"location": "w.bin", "__class__": "x"},
        {"location": "w.bin", "basepath": "/"},
        {"offset": "0"},
    ],
)
def test_external_values_with_odd_words_or_sizes_are_refused(
    told: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=r"^g\.onnx: its tensor 'w'"):
        check(external(tmp_path, **told), tmp_path)


def test_a_doubled_key_and_values_in_two_places_are_refused(tmp_path: Path) -> None:
    value = external(tmp_path, location="w.bin")
    value.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")
    with pytest.raises(CheckpointError, match="unknown words"):
        check(value, tmp_path)
    value = external(tmp_path, location="w.bin")
    value.graph.initializer[0].data_location = TensorProto.DEFAULT
    value.graph.initializer[0].raw_data = bytes(64)
    with pytest.raises(CheckpointError, match="in two ways"):
        check(value, tmp_path)


@pytest.mark.parametrize("domain", ["evil", "ai.onnx.ml", "ai.onnx.training", "custom.domain"])
def test_operators_of_unknown_sets_are_refused(domain: str) -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"], domain=domain)
    for value in (model([node]), model(domain=domain)):
        with pytest.raises(CheckpointError, match="operators of"):
            check(value)


def loop(body: Any, kind: str = "Loop") -> Any:
    return helper.make_node(kind, ["n", "c"], ["y"], body=body)


def test_loops_are_refused_wherever_they_hide() -> None:
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["d"])], "body", [], [])
    hidden = helper.make_graph([loop(body)], "hidden", [], [])
    branch = helper.make_node("If", ["c"], ["y"], then_branch=hidden, else_branch=body)
    for node in (loop(body), loop(body, "Scan"), branch):
        with pytest.raises(CheckpointError, match="never end"):
            check(model([node]))
    value = model()
    value.functions.append(
        helper.make_function("", "f", [], ["y"], [loop(body)], [helper.make_opsetid("", 20)])
    )
    with pytest.raises(CheckpointError, match="never end"):
        check(value)


@pytest.mark.parametrize("kind", ["ConstantOfShape", "Expand", "Tile"])
@pytest.mark.parametrize("form", ["initializer", "constant", "ints", "late"])
def test_a_tensor_made_out_of_nothing_is_refused(kind: str, form: str) -> None:
    shape = numpy_helper.from_array(np.array([2**20, 2**20], np.int64), "s")
    inputs = ["s"] if kind == "ConstantOfShape" else ["x", "s"]
    node = helper.make_node(kind, inputs, ["y"])
    made = helper.make_node("Constant", [], ["s"], value=shape)
    ints = helper.make_node("Constant", [], ["s"], value_ints=[2**20, 2**20])
    nodes = {"initializer": [node], "late": [node], "constant": [made, node], "ints": [ints, node]}
    value = model(nodes[form], [WEIGHT, shape] if form in ("initializer", "late") else None)
    with pytest.raises(CheckpointError, match="out of nothing"):
        check(value)


def test_many_small_bombs_are_one_large_one() -> None:
    shape = numpy_helper.from_array(np.array([2**20], np.int64), "s")
    nodes = [helper.make_node("ConstantOfShape", ["s"], [f"y{i}"]) for i in range(64)]
    with pytest.raises(CheckpointError, match="out of nothing"):
        check(model(nodes, [shape]))
    assert check(model(nodes[:4], [shape])).nodes == 4


@pytest.mark.parametrize("dims", [[2**39, 2**39], [2**62], [-1, 4], [1] * 20, [4, 5]])
def test_sizes_that_are_not_there_are_refused(dims: list[int]) -> None:
    value = model()
    del value.graph.initializer[0].dims[:]
    value.graph.initializer[0].dims.extend(dims)
    with pytest.raises(CheckpointError, match=r"impossible sizes|holds only"):
        check(value)


def test_inputs_of_an_impossible_size_are_refused() -> None:
    for shape in ([2**40], [2**20, 2**20], [-5]):
        ports = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        with pytest.raises(CheckpointError, match="impossible size"):
            check(model(inputs=ports))


def test_graphs_within_graphs_end_somewhere() -> None:
    inner = helper.make_graph([], "g", [], [])
    for _ in range(20):
        node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "g", [], [])
        if len(inner.SerializeToString()) > 2**20:
            break
    with pytest.raises(CheckpointError, match="too deep"):
        check(model([helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)]))


def test_a_tensor_inside_an_attribute_is_checked_too() -> None:
    bad = numpy_helper.from_array(np.ones(4, np.float32), "v")
    bad.dims[0] = 2**30
    with pytest.raises(CheckpointError, match="holds only"):
        check(model([helper.make_node("Constant", [], ["y"], value=bad)]))


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    for data in (
        b"\x08\x08",
        b"\x08",
        b"\x08\x7f",
        b"\x08\x08\x3a\x00",
        b"not at all",
        b"\x0b" * 9,
    ):
        (tmp_path / "g.onnx").write_bytes(data)
        with pytest.raises(CheckpointError, match=r"g\.onnx: it is no ONNX file"):
            read_raw(tmp_path / "g.onnx")
    whole = model().SerializeToString()
    for end in range(1, len(whole)):
        with pytest.raises(CheckpointError), naming("g.onnx"):
            check_onnx(memoryview(whole[:end]), None)


def test_training_programs_and_second_graphs_are_refused() -> None:
    value = model()
    value.training_info.add()
    with pytest.raises(CheckpointError, match="training program"):
        check(value)
    doubled = model().SerializeToString() * 2
    with pytest.raises(CheckpointError, match="two graphs"), naming("g.onnx"):
        check_onnx(memoryview(doubled), None)
