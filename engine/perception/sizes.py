"""Sizes of networks as published configs state them: taken by name, and held within bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, NoReturn

from engine.errors import CheckpointError

MOST = 2**20


def known(kind: Any, plain: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says of the fields of a dataclass; the rest is as usual."""
    return {f.name: plain[f.name] for f in fields(kind) if plain.get(f.name) is not None}


def check_sizes(
    sizes: Any, refuse: Callable[[str], NoReturn], most: Mapping[str, int] | None = None
) -> None:
    """Refuse what is neither a count nor, where that is usual, a number between 0 and 1; words are
    left alone. most: of some counts, others reach below 2^20."""
    bounds = most or {}
    for field in fields(sizes):
        value = getattr(sizes, field.name)
        if isinstance(field.default, str):
            continue
        if isinstance(field.default, float):
            sound = isinstance(value, float) and 0 < value < 1
        else:
            sound = type(value) is int and 0 < value < bounds.get(field.name, MOST)
        if not sound:
            refuse(f"{field.name} is {str(value)[:40]!r}")


def refuse_encoder(where: str, words: str) -> NoReturn:
    """Raise CheckpointError for a text encoder that is not read here."""
    raise CheckpointError(
        f"{where} has a text encoder that is not read here: {words}.",
        "Fetch the whole folder again from its source.",
    )


def check_word(plain: Mapping[str, Any], name: str, wanted: str, where: str) -> None:
    """Raise CheckpointError where a config of a text encoder names something else."""
    if plain.get(name, wanted) != wanted:
        refuse_encoder(where, f"{name} is {str(plain[name])[:40]!r}")
