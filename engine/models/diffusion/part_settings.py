"""What a card says of the networks of a published model: settings of diffusers' classes, which are
held within bounds and against one another before anything is built of them. No torch here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from engine.errors import CheckpointError, ModelError

Settings = Mapping[str, Any]
COLOURS = 3
MOST_LAYERS = 16
MOST_BLOCKS = {"num_layers": 128}  # of a transformer
MOST_NUMBER = 1 << 20


def refuse(where: str, words: str) -> NoReturn:
    """Raise ModelError for a model that is not read here."""
    raise ModelError(
        f"{where} is no diffusion pipeline that is read here: {words}.",
        "Give the whole folder of a pipeline that the README lists, as diffusers writes it.",
    )


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Whatever is missing in a card, or of another kind, becomes a ModelError."""
    try:
        yield
    except CheckpointError as error:
        refuse(where, error.what)
    except (KeyError, TypeError, ValueError) as error:
        refuse(where, f"its settings are incomplete: {str(error)[:120]}")


def agree(pairs: Mapping[str, tuple[Any, Any]], where: str) -> None:
    """Raise ModelError for the first thing of which one part says something else than is needed.
    pairs: what is said and what is needed, by what it is."""
    for what, (got, wanted) in pairs.items():
        if got != wanted:
            refuse(where, f"{what}: {repr(got)[:40]} where {repr(wanted)[:40]} is needed")


def halvings(decoder: Settings) -> int:
    """Pixels of a side for each place of a code, as the levels of an autoencoder have it."""
    return 1 << (len(decoder["block_out_channels"]) - 1)


def part_called(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The tensors of one of a card's networks, without its prefix."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def named(where: str, prefix: str) -> str:
    """One of a card's networks, for messages."""
    return f"{where}/{prefix.rstrip('.')}"


def check_settings(settings: dict[str, Any], where: str) -> None:
    """Raise ModelError unless all are numbers of a size that something can be built of, short
    words, and lists of these."""
    for name, value in settings.items():
        for one in _leaves(value, name, where):
            most = MOST_BLOCKS.get(name, MOST_LAYERS) if "layers" in name else MOST_NUMBER
            number = isinstance(one, int | float) and abs(one) <= most
            if not (one is None or number or (isinstance(one, str) and len(one) <= 60)):
                refuse(where, f"{name[:60]} is {str(one)[:40]!r}")


def _leaves(value: Any, name: str, where: str, depth: int = 0) -> list[Any]:
    if not isinstance(value, list | tuple):
        return [value]
    if len(value) > MOST_LAYERS or depth > 1:
        refuse(where, f"{name[:60]} has {len(value)} entries")
    return [leaf for one in value for leaf in _leaves(one, name, where, depth + 1)]
