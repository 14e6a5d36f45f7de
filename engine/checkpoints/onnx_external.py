"""Where the values of an ONNX tensor may lie outside its file: in a plain file right beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.checkpoints.refusal import DAMAGED, UNSAFE, refuse, shown

_KEYS = frozenset({"location", "offset", "length", "checksum"})


@dataclass(frozen=True)
class External:
    """The keys and values with which a tensor says where its values are."""

    pairs: tuple[tuple[str, str], ...]


def check_external(name: str, external: External, need: int, folder: Path | None) -> str:
    """The name of the file beside; a place that leads elsewhere or is too small is refused.

    folder: where the ONNX file lies; None where nothing may lie outside it. Raises Refusal.
    """
    told = dict(external.pairs)
    who = f"its tensor {shown(name)!r}"
    if len(told) != len(external.pairs) or not set(told) <= _KEYS or "location" not in told:
        refuse(f"{who} says with unknown words where its values are", UNSAFE)
    place = told["location"]
    if not place or place in (".", "..") or any(c in place for c in "/\\:\0") or place[0] == "~":
        refuse(f"{who} has its values at {shown(place)!r}, which is not beside the file", UNSAFE)
    if folder is None:
        refuse(f"{who} has its values in another file", "Save the graph as one file.")
    path = folder / place
    if path.is_symlink() or not path.is_file():
        refuse(f"{who} has its values in {shown(place)!r}, which is no plain file beside it")
    offset, length = _number(told, "offset", who), _number(told, "length", who)
    size = path.stat().st_size
    if (length or need) != need or (offset or 0) + need > size:
        refuse(f"{who} needs {need} bytes, which {shown(place)!r} does not hold", DAMAGED)
    return place


def _number(told: dict[str, str], key: str, who: str) -> int | None:
    value = told.get(key)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        refuse(f"{who} has a {key} that is no number", UNSAFE)
    return int(value)
