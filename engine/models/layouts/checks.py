"""What the layouts of the classic generators share: shapes, and refusals that name the tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

import numpy as np

from engine.errors import CheckpointError, ModelError
from engine.gan.config_fields import MAX_RESOLUTION

Shapes = dict[str, tuple[int, ...]]
Tensors = Mapping[str, np.ndarray]


class Origins(Mapping[str, str]):
    """Where a file's tensors were only renamed: our name to the file's, also for tensors that the
    file lacks, so that a message can name them as the file would."""

    def __init__(self, found: Mapping[str, str], theirs: Callable[[str], str]) -> None:
        """found: the tensors that the file has. theirs: any other of our names to the file's."""
        self._found, self._theirs = found, theirs

    def __getitem__(self, name: str) -> str:
        return self._found[name] if name in self._found else self._theirs(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def affine(name: str, *weight: int) -> Shapes:
    """A layer's weight, whose first size is the outputs, and a bias for each output."""
    return {f"{name}.weight": weight, f"{name}.bias": weight[:1]}


def size_of(tensors: Tensors, name: str, ndim: int, axis: int) -> int:
    """One size of a tensor. Raises KeyError with its name when it does not have so many."""
    array = tensors.get(name)
    if array is None or array.ndim != ndim or array.shape[axis] < 1:
        raise KeyError(name)
    return int(array.shape[axis])


def starts(tensors: Tensors, prefix: str) -> bool:
    """Whether a tensor's name begins so."""
    return any(name.startswith(prefix) for name in tensors)


def grown_resolutions(tensors: Tensors, prefix: str) -> list[int]:
    """4, 8, ... as far as there are tensors called prefix and the size, such as `r8.`."""
    sizes = [4]
    while sizes[-1] < MAX_RESOLUTION and starts(tensors, f"{prefix}{sizes[-1] * 2}."):
        sizes.append(sizes[-1] * 2)
    return sizes


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
