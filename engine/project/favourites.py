"""The pictures worth keeping, whatever project they came from: one small file of Recipes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ProjectError, RecipeError
from engine.project.values import Entry
from engine.recipe import Recipe
from engine.store import replacing, write_remedy

VERSION = 1
MAX_BYTES = 64 << 20
MOST = 5000
STARS = 5
MAX_TAGS, MAX_TAG = 16, 40


@dataclass(frozen=True)
class Favourite:
    """One kept picture. rating: 0 for none, else 1 to 5. tags: short words."""

    entry: Entry
    rating: int = 0
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.rating, int) or not 0 <= self.rating <= STARS:
            raise ProjectError(f"A rating is 0 to {STARS}, got {str(self.rating)[:20]}.")
        words = [tag for tag in self.tags if isinstance(tag, str) and 0 < len(tag) <= MAX_TAG]
        if len(words) != len(self.tags) or len(words) > MAX_TAGS:
            raise ProjectError(
                f"A picture has up to {MAX_TAGS} tags of up to {MAX_TAG} letters.", "Shorten them."
            )


class Favourites:
    """Their file. It holds Recipes; what they need is in the store of the same installation."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> tuple[Favourite, ...]:
        """Those that were kept, in order; none before the first. Raises ProjectError."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ProjectError(f"The favourites cannot be read: {error.strerror}.") from error
        try:
            plain = json.loads(data[: MAX_BYTES + 1])
            if plain["favourites"] != VERSION:
                raise ValueError("they are of another version")
            return tuple(_read(item) for item in plain["items"][:MOST])
        except (ValueError, KeyError, TypeError, RecursionError, RecipeError) as error:
            raise ProjectError(
                f"The favourites are damaged: {str(error)[:120]}.",
                f"Move {self._path} away; new ones can then be kept.",
            ) from error

    def save(self, kept: Sequence[Favourite]) -> None:
        """Write all of them. Raises ProjectError when the disk refuses."""
        items = [
            {
                "recipe": json.loads(item.entry.recipe.canonical),
                "created": item.entry.created,
                "label": item.entry.label,
                "rating": item.rating,
                "tags": list(item.tags),
            }
            for item in kept[:MOST]
        ]
        text = json.dumps({"favourites": VERSION, "items": items}, ensure_ascii=False)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as file:
                file.write(text.encode())
        except OSError as error:
            raise ProjectError(
                f"The favourites cannot be kept: {error.strerror or error}.", write_remedy(error)
            ) from error


def _read(item: dict[str, Any]) -> Favourite:
    entry = Entry(Recipe.from_plain(item["recipe"]), item["created"], item.get("label", ""))
    return Favourite(entry, item.get("rating", 0), tuple(item.get("tags", ())))
