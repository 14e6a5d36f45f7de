"""What the program must know of a family of generators. Each family is one module of this folder.

Nothing here imports torch, and neither do the modules before `new_generator` is called.

A family without a mapping network takes part as well: w is z (and the class), `num_ws` is 1, the
average is zero, and its torch generator has a `mapping.w` that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

import numpy as np
from jaxtyping import Float32

from engine.errors import CheckpointError, ModelError

Shapes = dict[str, tuple[int, ...]]
Tensors = Mapping[str, np.ndarray]


class Config(Protocol):
    """The sizes of a generator, a frozen value that a card holds as plain JSON.

    family: the name that cards know the family by. num_ws: how many w one picture takes.
    """

    @property
    def family(self) -> str: ...
    @property
    def z_dim(self) -> int: ...
    @property
    def w_dim(self) -> int: ...
    @property
    def c_dim(self) -> int: ...
    @property
    def num_ws(self) -> int: ...
    @property
    def resolution(self) -> int: ...
    @property
    def img_channels(self) -> int: ...

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, from which `Family.read_config` makes the same config."""
        ...


class Family(Protocol):
    """One family: a module with these names. `config` is always the family's own kind.

    NAME: as cards write it. TITLE: as people do. TRANSFORM: the tensor with the 3x3 matrix that
    moves the picture, or None where there is none.
    """

    NAME: str
    TITLE: str
    TRANSFORM: str | None

    def read_config(self, plain: Mapping[str, Any]) -> Config:
        """The config of a card. Raises ModelError, TypeError or ValueError for what is wrong."""
        ...

    def shapes_of(self, config: Any) -> Shapes:
        """Name to shape of every tensor of a generator of these sizes."""
        ...

    def recognises(self, tensors: Tensors) -> bool:
        """Whether the names look like this family's, right or not."""
        ...

    def infer_config(
        self,
        tensors: Tensors,
        where: str,
        init: Mapping[str, Any] | None = None,
        origins: Mapping[str, str] | None = None,
    ) -> Config:
        """The sizes that names, shapes and the constructor's arguments tell, all checked.

        origins: for messages, the name in the file of each tensor that was renamed. Raises
        CheckpointError that names the tensor that does not fit.
        """
        ...

    def noisy_layers(self, config: Any) -> tuple[tuple[str, int], ...]:
        """Name and resolution of each layer that takes noise, in the order they run."""
        ...

    def average(self, tensors: Tensors) -> Float32[np.ndarray, " w_dim"]:
        """The w that truncation pulls toward."""
        ...

    def statistics_at(
        self, config: Any, truncation: float
    ) -> Float32[np.ndarray, " n_stats"] | None:
        """How much each stored row of batch statistics counts at a truncation in [0, 1]; None for
        a family without. Where there are some, truncation is of z alone and leaves the class."""
        ...

    def new_generator(self, config: Any) -> Any:
        """A torch module with `mapping.w(z, c)` and `synthesis.with_noises(ws, noises)`, the
        latter with the arguments `transform` and `statistics` where there are such."""
        ...


def no_statistics(config: Any, truncation: float) -> None:
    """`Family.statistics_at` of the families that store no batch statistics."""


def check_tensors(
    expected: Shapes,
    tensors: Tensors,
    where: str,
    title: str,
    origins: Mapping[str, str] | None = None,
) -> None:
    """Refuse tensors that are missing, left over, of another shape or no floats.

    origins: for messages, the name in the file of each tensor that was renamed. Raises
    CheckpointError that names the tensor.
    """
    for name, shape in expected.items():
        theirs = (origins or {}).get(name, name)
        if name not in tensors:
            refuse(where, f"lacks the tensor {theirs!r}", title)
        if tensors[name].shape != shape:
            words = f"has {theirs!r} of shape {tensors[name].shape}, expected {shape}"
            refuse(where, words if theirs == name else f"{words} as {name!r}", title)
        if tensors[name].dtype.kind != "f":
            refuse(where, f"has {theirs!r} of type {tensors[name].dtype}, expected floats", title)
    extra = sorted((origins or {}).get(name, name) for name in set(tensors) - set(expected))
    if extra:
        refuse(where, f"has the tensor {extra[0][:80]!r}, which the generator does not know", title)


def linear(name: str, fan_in: int, fan_out: int) -> Shapes:
    """The two tensors of a fully connected layer."""
    return {f"{name}.weight": (fan_out, fan_in), f"{name}.bias": (fan_out,)}


def mapping_shapes(config: Any) -> Shapes:
    """The tensors of the mapping network; config: as engine.gan.mapping.MappingSizes."""
    shapes: Shapes = {"mapping.w_avg": (config.w_dim,)}
    width = config.z_dim
    if config.c_dim:
        shapes |= linear("mapping.embed", config.c_dim, config.embed_width)
        width += config.embed_width
    for index in range(config.mapping_layers):
        last = index == config.mapping_layers - 1
        out = config.w_dim if last else config.hidden_width
        shapes |= linear(f"mapping.fc{index}", width, out)
        width = out
    return shapes


def mapping_sizes(tensors: Tensors) -> dict[str, Any]:
    """z_dim, w_dim, c_dim and mapping_layers, by the shapes. Raises KeyError with a tensor."""
    layers = 0
    while has_part(tensors, f"mapping.fc{layers}."):
        layers += 1
    embed = has_part(tensors, "mapping.embed.")
    width = dimension(tensors, "mapping.embed.weight", 2, 0) if embed else 0
    z_dim = dimension(tensors, "mapping.fc0.weight", 2, 1) - width
    if z_dim < 1:
        raise KeyError("mapping.fc0.weight")
    return {
        "z_dim": z_dim,
        "w_dim": dimension(tensors, f"mapping.fc{layers - 1}.weight", 2, 0),
        "c_dim": dimension(tensors, "mapping.embed.weight", 2, 1) if embed else 0,
        "mapping_layers": layers,
    }


def has_part(tensors: Tensors, prefix: str) -> bool:
    """Whether a tensor's name begins so."""
    return any(name.startswith(prefix) for name in tensors)


def dimension(tensors: Tensors, name: str, ndim: int, axis: int) -> int:
    """One size of a tensor. Raises KeyError with its name when it does not have so many."""
    array = tensors.get(name)
    if array is None or array.ndim != ndim or array.shape[axis] < 1:
        raise KeyError(name)
    return int(array.shape[axis])


def check_card(plain: Mapping[str, Any], needed: set[str], sizes: list[Any]) -> None:
    """Refuse a config without the needed fields, or with sizes that are none.

    Raises ValueError.
    """
    missing = sorted(needed - set(plain))
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    if not all(type(size) is int and 0 < size < 65536 for size in sizes):
        raise ValueError(f"sizes must be whole numbers from 1 to 65535, got {sizes}")


def check_values(config: Any, *flags: Any) -> None:
    """Refuse a clamp or a learning rate that is no positive number, and flags that are neither
    true nor false. Raises ValueError."""
    for name, value in (("conv_clamp", config.conv_clamp), ("mapping_lr", config.mapping_lr)):
        usual = isinstance(value, int | float) and 0 < value < 1e30
        if not usual and (name != "conv_clamp" or value is not None):
            raise ValueError(f"{name} must be a positive number, got {str(value)[:40]}")
    if not all(isinstance(flag, bool) for flag in flags):
        raise ValueError(f"flags must be true or false, got {str(flags)[:40]}")


def argument(init: Mapping[str, Any], name: str, default: Any, where: str, title: str) -> Any:
    """A number among the constructor's arguments, or None where None is the default or given."""
    value = init.get(name, default)
    if isinstance(value, np.generic):
        value = value.item()
    usual = isinstance(value, int | float | bool) and abs(value) < 1e30
    if value is not None and not usual:
        refuse(where, f"was built with {name} = {str(value)[:40]!r}, expected a number", title)
    return value


def refuse(where: str, words: str, title: str) -> NoReturn:
    """Raise a CheckpointError that says what is wrong with the file."""
    raise CheckpointError(
        f"{where} {words}.", f"Give a generator whose tensors have the published {title} names."
    )


def no_generator(
    where: str, title: str, error: Exception, origins: Mapping[str, str] | None = None
) -> NoReturn:
    """Raise a CheckpointError for tensors of which no sizes can be read."""
    if isinstance(error, KeyError):
        name = str(error.args[0])
        theirs = (origins or {}).get(name, name)[:80]
        refuse(where, f"lacks the tensor {theirs!r}, or has it in another shape", title)
    words = error.what if isinstance(error, ModelError) else str(error)[:80]
    refuse(where, f"holds no {title} generator: {words.rstrip('.')}", title)
