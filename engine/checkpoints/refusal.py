"""How the readers say no: a reason and a remedy, to which the file's name is added at the door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from engine.errors import CheckpointError

DAMAGED = "The file is damaged or was made to mislead; fetch it again from its source."
UNSAFE = "Do not load it elsewhere either; ask its maker for a .safetensors file."
TOO_MUCH = "Keep only the generator's weights, as a .safetensors file."


class Refusal(CheckpointError):
    """A reason to refuse, without the file's name yet."""


def refuse(reason: str, remedy: str = DAMAGED) -> NoReturn:
    """Refuse for a reason, a clause without a full stop. Raises Refusal."""
    raise Refusal(reason, remedy)


def shown(text: str, length: int = 60) -> str:
    """Text from a file for a message: on one line, printable and clipped."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in text[: length + 1])
    return clean if len(clean) <= length else clean[:length] + "..."


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Add the file's name to what is refused inside. Raises CheckpointError."""
    try:
        yield
    except Refusal as error:
        raise CheckpointError(f"{shown(name, 80)}: {error.what}.", error.remedy) from error
