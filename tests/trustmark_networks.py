"""Small ONNX networks with the ports of TrustMark's, which really carry 100 bits.

The encoder adds a sum of 100 fixed patterns of 64 x 64, each with the sign of its bit; the decoder
correlates with them. Nothing of Adobe's is in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from scipy.ndimage import gaussian_filter

TILE, BITS, SIDE = 64, 100, 256
GAIN = 0.13  # about 40 dB


def patterns(seed: int = 0) -> np.ndarray:
    """[100, 64 * 64]: orthonormal, without coarse structure."""
    noise = np.random.RandomState(seed).randn(BITS, TILE, TILE)
    fine = noise - gaussian_filter(noise, (0, 2, 2))
    return np.linalg.qr(fine.reshape(BITS, -1).T)[0].T.astype(np.float32)


def encoder(seed: int = 0, gain: float = GAIN, side: int = SIDE) -> Any:
    """A graph from a picture and bits to the marked picture and the change."""
    nodes = [
        helper.make_node("Sub", ["onnx::Gemm_1", "half"], ["centred"]),
        helper.make_node("MatMul", ["centred", "patterns"], ["flat"]),
        helper.make_node("Reshape", ["flat", "tile"], ["small"]),
        helper.make_node("Resize", ["small", "", "", "large"], ["residual"], mode="linear"),
        helper.make_node("Add", ["onnx::Concat_0", "residual"], ["image"]),
    ]
    values = {
        "half": np.array(0.5, np.float32),
        "patterns": 2 * gain * patterns(seed),
        "tile": np.array([1, 1, TILE, TILE], np.int64),
        "large": np.array([1, 1, side, side], np.int64),
    }
    inputs = {"onnx::Concat_0": [1, 3, side, side], "onnx::Gemm_1": [1, BITS]}
    outputs = {"image": [1, 3, side, side], "residual": [1, 1, side, side]}
    return _model(nodes, inputs, outputs, values)


def decoder(seed: int = 0, side: int | None = SIDE) -> Any:
    """A graph from a picture to 100 numbers. side: None leaves it open."""
    size: list[Any] = ["h", "w"] if side is None else [side, side]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["grey"], axes=[1]),
        helper.make_node(
            "Resize", ["grey", "", "", "small"], ["seen"], mode="linear"
        ),
        helper.make_node(
            "AveragePool", ["seen"], ["coarse"],
            kernel_shape=[5, 5], pads=[2, 2, 2, 2], strides=[1, 1],
        ),
        helper.make_node("Sub", ["seen", "coarse"], ["fine"]),
        helper.make_node("Clip", ["fine", "low", "high"], ["tamed"]),
        helper.make_node("Flatten", ["tamed"], ["flat"]),
        helper.make_node("MatMul", ["flat", "patterns"], ["output"]),
    ]  # fmt: skip
    values = {
        "small": np.array([1, 1, TILE, TILE], np.int64),
        "patterns": np.ascontiguousarray(patterns(seed).T),
        "low": np.array(-0.1, np.float32),
        "high": np.array(0.1, np.float32),
    }
    return _model(nodes, {"image": [1, 3, *size]}, {"output": [1, BITS]}, values)


def write_networks(folder: Path, letter: str = "Q", seed: int = 0) -> Path:
    """Both files of a variant, under the published names."""
    folder.mkdir(parents=True, exist_ok=True)
    side = 224 if letter == "P" else 256
    (folder / f"encoder_{letter}.onnx").write_bytes(encoder(seed).SerializeToString())
    (folder / f"decoder_{letter}.onnx").write_bytes(decoder(seed, side).SerializeToString())
    return folder


def _model(
    nodes: list[Any],
    inputs: dict[str, list[Any]],
    outputs: dict[str, list[Any]],
    values: dict[str, np.ndarray],
) -> Any:
    given, made = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in one]
        for one in (inputs.items(), outputs.items())
    )
    kept = [numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "g", given, made, kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
