"""What a pickle's top level holds: networks, and loose values beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.checkpoints import nvidia, tf_pickle
from engine.checkpoints.gathered import Gathered, Network
from engine.checkpoints.inert_values import Array, Thing
from engine.checkpoints.plain_values import Budget, plain
from engine.checkpoints.refusal import TOO_MUCH, refuse, shown

MAX_NETWORKS = 32
MAX_VALUES = 1000
_AVERAGES = ("g_ema", "gs", "generator_ema", "ema", "netg_ema")
_GENERATORS = ("g", "generator", "netg", "")
_CRITICS = ("d", "discriminator", "netd")


@dataclass(frozen=True)
class Contents:
    """Networks in the order of RawCheckpoint, loose arrays, and loose plain values."""

    networks: tuple[Network, ...]
    arrays: dict[str, Array]
    values: dict[str, Any]

    @property
    def arrays_in_all(self) -> list[tuple[str, Array]]:
        """Every array with a name for messages."""
        pairs = [pair for network in self.networks for pair in network.arrays.items()]
        return pairs + list(self.arrays.items())


def contents_of(value: Any) -> Contents:
    """Sort what was read into networks and the rest. Raises Refusal when there is no network."""
    if tf_pickle.is_network(value):
        return Contents((tf_pickle.network_of("", value),), {}, {})
    if type(value) in (tuple, list) and value and all(map(tf_pickle.is_network, value)):
        return Contents(_sorted(tf_pickle.networks_of(value)), {}, {})
    if nvidia.is_persistent(value):
        return Contents((nvidia.network_of("", value),), {}, {})
    table = _items(value)
    if type(table) is not dict:
        refuse("it holds no network", "Choose a file with a generator's weights.")
    return _of_dict(table)


def _of_dict(table: dict[Any, Any]) -> Contents:
    networks: list[Network] = []
    arrays = Gathered()
    values: dict[str, Any] = {}
    budget = Budget()
    for key, value in table.items():
        name = key if type(key) is str else repr(key)
        if nvidia.is_persistent(value):
            networks.append(nvidia.network_of(shown(name), value))
        elif tf_pickle.is_network(value):
            networks.append(tf_pickle.network_of(shown(name), value))
        elif _is_state_dict(value):
            networks.append(_state_dict(shown(name), _items(value)))
        elif type(value) is Array:
            arrays.add(name, value)
        elif not _is_optimizer(value):
            values[shown(name)] = plain(value, budget)
        if len(networks) > MAX_NETWORKS or len(values) > MAX_VALUES:
            refuse("it holds more networks or values than any checkpoint that is known", TOO_MUCH)
    if not networks and arrays.arrays:
        return Contents((Network("torch", "", "", arrays.arrays, {}),), {}, values)
    if not networks:
        refuse("it holds no network", "Choose a file with a generator's weights.")
    return Contents(_sorted(networks), arrays.arrays, values)


def _is_state_dict(value: Any) -> bool:
    """Whether the value is a dict with tensors and nothing else but plain numbers and None."""
    table = _items(value)
    if type(table) is not dict or not all(type(key) is str for key in table):
        return False
    kinds = {type(item) for item in table.values()}
    return Array in kinds and kinds <= {Array, int, float, bool, type(None)}


def _state_dict(name: str, table: dict[Any, Any]) -> Network:
    gathered = Gathered()
    for key, value in table.items():
        if type(value) is Array:
            gathered.add(key, value)
    return Network("torch", name, "", gathered.arrays, {})


def _is_optimizer(value: Any) -> bool:
    table = _items(value)
    return type(table) is dict and "param_groups" in table


def _items(value: Any) -> Any:
    return value.items if type(value) is Thing else value


def _sorted(networks: list[Network]) -> tuple[Network, ...]:
    return tuple(sorted(networks, key=lambda network: _rank(network.name.lower())))


def _rank(name: str) -> int:
    for rank, names in ((0, _AVERAGES), (1, _GENERATORS), (3, _CRITICS)):
        if name in names:
            return rank
    return 2
