"""Networks in NVIDIA's PyTorch pickles (StyleGAN2-ADA, StyleGAN3), read without their source.

The original loader executes the `module_src` that each pickle carries
(torch_utils/persistence.py, `_reconstruct_persistent_obj`). Here the call stands for the dict it
was given, and the tensors are read from the state of its modules.
"""

from __future__ import annotations

from typing import Any

from engine.checkpoints.gathered import Gathered, Network
from engine.checkpoints.inert_values import Array, Thing
from engine.checkpoints.plain_values import plain
from engine.checkpoints.refusal import UNSAFE, refuse, shown


def is_persistent(value: Any) -> bool:
    """Whether the stand-in is a persistent object or a plain module of torch."""
    return type(value) is Thing and value.kind.meaning in ("persistent", "module")


def network_of(name: str, value: Thing) -> Network:
    """The network's tensors under the names that `state_dict` gives them. Raises Refusal."""
    gathered = Gathered()
    state = _state(value)
    _walk(state, "", gathered, 0)
    init = plain(_table(state.get("_init_kwargs")))
    arguments = state.get("_init_args")
    if type(arguments) is tuple and arguments:
        init["_init_args"] = plain(arguments)
    return Network("nvidia", name, _class_name(value), gathered.arrays, init)


def _class_name(value: Thing) -> str:
    told = value.state.get("class_name") if value.kind.meaning == "persistent" else value.kind.name
    return shown(told) if type(told) is str else ""


def _state(value: Thing) -> dict[Any, Any]:
    state = value.state
    if value.kind.meaning == "persistent":
        if type(state) is not dict or state.get("type") != "class":
            refuse("a network is stored in a form that persistence never writes", UNSAFE)
        state = state.get("state")
    return _table(state)


def _table(value: Any) -> dict[Any, Any]:
    """The items of a dict or of a dict-like thing; {} for None. Raises Refusal."""
    table = value.items if type(value) is Thing else value
    if table is not None and type(table) is not dict:
        refuse("a network's state is no dict")
    return table or {}


def _walk(state: dict[Any, Any], prefix: str, gathered: Gathered, depth: int) -> None:
    gathered.visit(depth)
    for group in ("_parameters", "_buffers"):
        for name, value in _table(state.get(group)).items():
            if type(value) is Array:
                gathered.add(prefix + _plain_name(name), value)
            elif value is not None:
                refuse(f"{shown(prefix + str(name)[:60])} of a network is no tensor")
    for name, module in _table(state.get("_modules")).items():
        if module is None:
            continue
        if not is_persistent(module):
            refuse(f"{shown(prefix + str(name)[:60])} of a network is no module")
        _walk(_state(module), prefix + _plain_name(name) + ".", gathered, depth + 1)


def _plain_name(name: Any) -> str:
    if type(name) is not str or not name or "." in name:
        refuse("a part of a network has a name that torch forbids")
    return name
