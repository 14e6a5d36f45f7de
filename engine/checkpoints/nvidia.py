"""NVIDIA's pickles: a dictionary of networks, or a tuple of three in the TensorFlow days.

A network of the PyTorch code is a call of `_reconstruct_persistent_obj` on a dictionary with the
source text of its class, which the original loader executes. Here the text is data that nobody
looks at; parameters, buffers and sub-modules are found in the `state` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.checkpoints.inert_pickle import Call
from engine.checkpoints.pickled import Reader
from engine.checkpoints.raw import RawNetwork
from engine.errors import CheckpointError

PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"
TENSORFLOW = "dnnlib.tflib.network.Network"
MAX_DEPTH = 40


def networks_of(tree: Any, reader: Reader) -> tuple[str, tuple[RawNetwork, ...]]:
    """The format, "nvidia-pickle" or "tf-pickle", and the networks; ("", ()) for other trees."""
    if isinstance(tree, dict):
        found = tuple(
            _torch_network(name, item, reader)
            for name, item in tree.items()
            if isinstance(name, str) and _is(item, PERSISTENT)
        )
        return ("nvidia-pickle", found) if found else ("", ())
    if isinstance(tree, tuple | list) and len(tree) == 3:
        names = ("G", "D", "Gs")
        pairs = [(n, item) for n, item in zip(names, tree, strict=True) if _is(item, TENSORFLOW)]
        if pairs:
            return "tf-pickle", tuple(_tensorflow_network(n, item, reader) for n, item in pairs)
    if _is(tree, PERSISTENT):
        return "nvidia-pickle", (_torch_network("", tree, reader),)
    return "", ()


def _is(item: Any, name: str) -> bool:
    return isinstance(item, Call) and item.name.full == name


def _meta(item: Call, reader: Reader) -> dict[str, Any]:
    meta = item.arguments[0] if item.arguments else None
    if isinstance(meta, Call):
        meta = meta.items
    if not isinstance(meta, dict) or "state" not in meta:
        reader.refuse("has a network without its state")
    return meta


def _fields(state: Any, reader: Reader) -> dict[str, Any]:
    if isinstance(state, Call):
        state = state.items
    if not isinstance(state, dict):
        reader.refuse("has a network without its state")
    return state


def _torch_network(name: str, item: Call, reader: Reader) -> RawNetwork:
    meta = _meta(item, reader)
    state = _fields(meta["state"], reader)
    tensors: dict[str, np.ndarray] = {}
    _collect(state, "", tensors, reader, 0)
    init = reader.value(state.get("_init_kwargs", {}))
    title = meta.get("class_name")
    return RawNetwork(
        name, title if isinstance(title, str) else "", tensors, init if _is_plain(init) else {}
    )


def _collect(
    state: Mapping[str, Any], prefix: str, into: dict[str, np.ndarray], reader: Reader, depth: int
) -> None:
    if depth > MAX_DEPTH:
        reader.refuse(f"has networks nested more than {MAX_DEPTH} deep")
    for group in ("_parameters", "_buffers"):
        for name, value in _fields(state.get(group, {}), reader).items():
            if value is None or not isinstance(name, str):
                continue
            array = reader.value(value)
            if not isinstance(array, np.ndarray):
                reader.refuse(f"has no values for {prefix + name!r}")
            into[prefix + name] = array
    for name, module in _fields(state.get("_modules", {}), reader).items():
        if isinstance(module, Call) and isinstance(name, str):
            inner = _meta(module, reader)["state"] if _is(module, PERSISTENT) else module.state
            _collect(_fields(inner, reader), f"{prefix}{name}.", into, reader, depth + 1)


def _tensorflow_network(name: str, item: Call, reader: Reader) -> RawNetwork:
    state = _fields(item.state, reader)
    tensors: dict[str, np.ndarray] = {}
    _variables(state, "", tensors, reader, 0)
    init = reader.value(state.get("static_kwargs", {}))
    init = dict(init) if isinstance(init, dict) else {}
    builder = state.get("build_func_name")
    if isinstance(builder, str):
        init["build_func_name"] = builder
    return RawNetwork(name, builder if isinstance(builder, str) else "", tensors, init)


def _variables(
    state: Mapping[str, Any], prefix: str, into: dict[str, np.ndarray], reader: Reader, depth: int
) -> None:
    """The variables of a network and of its components, by the names that were stored."""
    if depth > 4:
        reader.refuse("has networks nested too deep")
    variables = state.get("variables", [])
    for pair in variables if isinstance(variables, list) else []:
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], str):
            reader.refuse("has a variable that is none")
        value = reader.value(pair[1])
        if isinstance(value, int | float):
            value = np.array(value, np.float32)
        if isinstance(value, np.ndarray):
            into[prefix + pair[0]] = value
    for name, part in _fields(state.get("components", {}), reader).items():
        if isinstance(part, Call) and isinstance(name, str):
            inner = f"{prefix}{_scope(name)}/"
            _variables(_fields(part.state, reader), inner, into, reader, depth + 1)


def _scope(component: str) -> str:
    """The scope that published code gives its two halves."""
    return {"mapping": "G_mapping", "synthesis": "G_synthesis"}.get(component, component)


def _is_plain(value: Any, depth: int = 0) -> bool:
    if depth > 20:
        raise CheckpointError("The file has arguments that are nested too deep.")
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v, depth + 1) for k, v in value.items())
    if isinstance(value, list):
        return all(_is_plain(entry, depth + 1) for entry in value)
    return value is None or isinstance(value, str | int | float | bool)
