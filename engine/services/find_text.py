"""Finds the direction in style space that a pair of texts asks for."""

from __future__ import annotations

from engine.directions.effects import Slider
from engine.errors import DirectionError
from engine.services.find_search import Search
from engine.services.text_ground import text_search

RANGE = 8.0


def find_text(search: Search) -> list[Slider]:
    """One direction; its unit is a deviation of the text's change."""
    pair = search.wish.text
    if pair is None:
        raise DirectionError(
            "There is no text to find a direction by.", "Give one, such as: a face with glasses."
        )
    found = text_search(search.room, search.info, pair, search.progress, search.cancel)
    styles = found.styles(search.progress, search.cancel)
    vector = styles.vector(pair.threshold)
    name = search.wish.name.strip() or found.change.text[:60]
    note = (
        f"from {found.change.neutral!r} to {found.change.text!r} by {found.clip_info.title}: "
        f"{styles.channels(pair.threshold)} style channels"
    )
    return [Slider(name, vector, -RANGE, RANGE, None, "s", note[:200])]
