"""Takes the weights out of an exported ONNX graph and leaves the computation.

A weight becomes an initializer marked EXTERNAL under its own name; the backend hands its values
over at load. Whatever is derived from a weight (gains, squares, filters) stays in the graph as
computation and ONNX Runtime folds it once at load, so no second copy of a weight is ever stored.
Only what depends on no weight is folded here: shapes, axes and constants.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

LOCATION = "weights.safetensors"


def without_weights(model: Any, weights: Collection[str]) -> Any:
    """The graph with every initializer named in `weights` made external; changes `model`.

    model: onnx.ModelProto. The optimiser must not see weights as constants, so they are inputs
    while it works.
    """
    from onnxscript import optimizer

    _weights_to_inputs(model.graph, weights)
    _drop_notes(model)
    for _ in range(2):
        optimizer.fold_constants(model, onnx_shape_inference=True)
    optimizer.remove_unused_nodes(model)
    _drop_zero_biases(model.graph)
    optimizer.remove_unused_nodes(model)
    _drop_notes(model)
    _inputs_to_external(model.graph, weights)
    return model


def free_batch(graph: Any, prefix: str, name: str) -> None:
    """Let the first dimension of the inputs that begin with `prefix` be anything."""
    for item in graph.input:
        if item.name.startswith(prefix):
            item.type.tensor_type.shape.dim[0].dim_param = name


def _weights_to_inputs(graph: Any, weights: Collection[str]) -> None:
    from onnx import helper

    named = [item for item in graph.initializer if item.name in weights]
    rest = [item for item in graph.initializer if item.name not in weights]
    infos = [
        helper.make_tensor_value_info(item.name, item.data_type, list(item.dims)) for item in named
    ]
    del graph.initializer[:]
    graph.initializer.extend(rest)
    graph.input.extend(infos)


def _inputs_to_external(graph: Any, weights: Collection[str]) -> None:
    from onnx import TensorProto

    used = {name for node in graph.node for name in node.input}
    free = [item for item in graph.input if item.name not in weights]
    taken = [item for item in graph.input if item.name in weights and item.name in used]
    del graph.input[:]
    graph.input.extend(free)
    for item in taken:
        kind = item.type.tensor_type
        tensor = graph.initializer.add()
        tensor.name = item.name
        tensor.data_type = kind.elem_type
        tensor.dims.extend(dim.dim_value for dim in kind.shape.dim)
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", LOCATION


def _drop_zero_biases(graph: Any) -> None:
    """The exporter gives a convolution without bias an expanded zero, which hides from ONNX
    Runtime that it could use its fast blocked layout."""
    from onnx import numpy_helper

    made = {name: node for node in graph.node for name in node.output}
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    for node in graph.node:
        if node.op_type not in ("Conv", "ConvTranspose") or len(node.input) < 3:
            continue
        source = made.get(node.input[2])
        if source is None or source.op_type != "Expand":
            continue
        value = constants.get(source.input[0])
        if value is not None and not value.any():
            del node.input[2]


def _drop_notes(model: Any) -> None:
    """Source lines and module names of this machine that the exporter writes down."""
    graph = model.graph
    for node in graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for item in (*graph.input, *graph.output, *graph.initializer):
        item.ClearField("doc_string")
        del item.metadata_props[:]
    del graph.value_info[:]
    del graph.metadata_props[:]
    del model.metadata_props[:]
    graph.ClearField("doc_string")
    model.ClearField("doc_string")
