"""Foreign text made fit to be shown: one plain line, clipped, without hidden characters."""

from __future__ import annotations

import unicodedata

LONGEST = 200


def plain(text: object, longest: int = LONGEST) -> str:
    """`text` as one line of at most `longest` characters.

    Control, format (bidirectional and zero-width) and unassigned characters are removed, because
    they can make a name read as another one. White space of any kind becomes single spaces.
    """
    words = " ".join(str(text)[: longest * 8].split())
    shown = "".join(c for c in words if unicodedata.category(c)[0] != "C")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def plain_data(value: object, longest: int = LONGEST, depth: int = 8) -> object:
    """JSON data of foreign origin with all its text made plain; deep or long parts are cut."""
    if isinstance(value, str):
        return plain(value, longest)
    if isinstance(value, bool | int | float) or value is None:
        return value
    if depth == 0:
        return "…"
    if isinstance(value, dict):
        pairs = list(value.items())[:100]
        return {plain(k, 80): plain_data(v, longest, depth - 1) for k, v in pairs}
    if isinstance(value, list | tuple):
        return [plain_data(v, longest, depth - 1) for v in list(value)[:100]]
    return plain(value, longest)
