"""Networks in the TensorFlow releases' pickles (ProGAN, StyleGAN, StyleGAN2).

A `dnnlib.tflib.network.Network` keeps `static_kwargs`, `build_func_name`, the source that builds it
(never run), `variables` as a list of name and array, and from StyleGAN2 on `components`, networks
of their own. Arrays stay in TensorFlow's layout: kernels HWIO, dense weights [in, out].
"""

from __future__ import annotations

from typing import Any

from engine.checkpoints.gathered import Gathered, Network
from engine.checkpoints.inert_values import Array, Thing
from engine.checkpoints.plain_values import plain
from engine.checkpoints.refusal import refuse, shown

ORDER = ("G", "D", "Gs")


def is_network(value: Any) -> bool:
    """Whether the stand-in is a TensorFlow network."""
    return type(value) is Thing and value.kind.meaning == "tf network"


def networks_of(values: list[Any] | tuple[Any, ...]) -> list[Network]:
    """The networks of the tuple `(G, D, Gs)`, or of another number under their own names."""
    named = ORDER if len(values) == len(ORDER) else [""] * len(values)
    return [network_of(name, value) for name, value in zip(named, values, strict=True)]


def network_of(name: str, value: Thing) -> Network:
    """One network; a component's variables are named "component/variable". Raises Refusal.

    name: "" for the name that the network itself gives. The names join as in `_collect_tf_params`
    of StyleGAN2-ADA's legacy.py.
    """
    gathered = Gathered()
    _walk(value, "", gathered, 0)
    state = value.state
    init = {**plain(state.get("static_kwargs") or {})}
    if type(state.get("build_func_name")) is str:
        init["build_func_name"] = plain(state["build_func_name"])
    own = state.get("name")
    name = name or (shown(own) if type(own) is str else "")
    return Network("tf", name, "Network", gathered.arrays, init)


def _walk(value: Any, prefix: str, gathered: Gathered, depth: int) -> None:
    gathered.visit(depth)
    if not is_network(value) or type(value.state) is not dict:
        refuse(f"the network {shown(prefix)!r} has no state")
    static, variables = value.state.get("static_kwargs"), value.state.get("variables")
    if type(variables) is not list or not (static is None or type(_items(static)) is dict):
        refuse(f"the network {shown(prefix)!r} has no list of variables")
    for pair in variables:
        if type(pair) not in (tuple, list) or len(pair) != 2 or type(pair[0]) is not str:
            refuse(f"a variable of the network {shown(prefix)!r} is no pair of name and array")
        name, array = pair
        if type(array) is Array:
            gathered.add(prefix + name, array)
        elif type(array) is not float and type(array) is not int:
            refuse(f"the variable {shown(prefix + name)!r} is no array")
    components = _items(value.state.get("components")) or {}
    if type(components) is not dict:
        refuse(f"the components of the network {shown(prefix)!r} are no dict")
    for name, component in components.items():
        if type(name) is not str:
            refuse("a component of a network has no name")
        _walk(component, f"{prefix}{name}/", gathered, depth + 1)


def _items(value: Any) -> Any:
    return value.items if type(value) is Thing else value
