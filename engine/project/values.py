"""What a project is, and its one JSON form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn

import rfc8785

from engine.errors import ProjectError, RecipeError
from engine.path import Path
from engine.perturbing import Universal
from engine.recipe import Computed, Move, Photo, Recipe, Stored, Tuned, walk

VERSION = 1
MAX_TEXT = 200

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PASTE = "Save the project again with this program."


@dataclass(frozen=True)
class Entry:
    """One Recipe of a history or among the favourites.

    created: UTC, ISO 8601, such as "2026-03-01T12:00:00Z". label: up to 200 characters, one line.
    Raises ProjectError.
    """

    recipe: Recipe
    created: str
    label: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.created, str) or not _TIME.fullmatch(self.created):
            raise ProjectError(
                f"A time is written like 2026-03-01T12:00:00Z, got {_words(self.created)}."
            )
        _check_line("A label", self.label)

    @classmethod
    def now(cls, recipe: Recipe, label: str = "") -> Entry:
        """The Recipe as made this second."""
        return cls(recipe, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), label)


@dataclass(frozen=True)
class Project:
    """Everything that a project file holds.

    recipe: what is on the canvas. history: oldest first. favourites: in the user's order. view:
    what the window likes to find again (open panels, lattice corners), plain JSON data without
    meaning for pictures. Raises ProjectError.
    """

    title: str = "Untitled"
    recipe: Recipe | None = None
    history: tuple[Entry, ...] = ()
    favourites: tuple[Entry, ...] = ()
    view: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_line("A title", self.title)
        try:
            plain = json.loads(rfc8785.dumps(dict(self.view)), parse_int=_whole)
        except (ValueError, TypeError, RecursionError) as error:
            raise ProjectError(f"The view is not plain JSON data: {str(error)[:120]}.") from error
        object.__setattr__(self, "view", plain)

    def recipes(self) -> Iterator[Recipe]:
        """Every Recipe of the project; the same one may come twice."""
        if self.recipe is not None:
            yield self.recipe
        for entry in (*self.history, *self.favourites):
            yield entry.recipe
        yield from self._film_keys()

    def _film_keys(self) -> Iterator[Recipe]:
        """The pictures of the film that the window keeps in the view, where it is whole."""
        text = self.view.get("film")
        if isinstance(text, str):
            try:
                film = Path.from_json(text)
            except RecipeError:
                return
            for key in film.keys:
                yield Recipe(key.image)

    def needs(self) -> frozenset[str]:
        """The SHA-256 of every stored item that the Recipes need."""
        return frozenset(sha256 for recipe in set(self.recipes()) for sha256 in _items(recipe))

    def to_json(self) -> bytes:
        """The RFC 8785 form, put together from the Recipes' own canonical bytes."""
        parts = {
            "favourites": _entries_json(self.favourites),
            "history": _entries_json(self.history),
            "project": b"%d" % VERSION,
            "recipe": b"null" if self.recipe is None else self.recipe.canonical,
            "title": rfc8785.dumps(self.title),
            "view": rfc8785.dumps(dict(self.view)),
        }
        return _object(parts)

    @classmethod
    def from_json(cls, data: bytes) -> Project:
        """Read a project strictly. Raises ProjectError that says where it is wrong."""
        try:
            plain = json.loads(
                data,
                object_pairs_hook=_no_duplicates,
                parse_constant=_no_constant,
                parse_int=_whole,
            )
        except (ValueError, RecursionError) as error:
            raise ProjectError(f"This is not a project: {str(error)[:120]}.", _PASTE) from error
        if not isinstance(plain, dict) or plain.get("project") != VERSION:
            got = plain.get("project") if isinstance(plain, dict) else plain
            raise ProjectError(
                f'A project says "project": {VERSION}, got {_words(got)}.',
                "A newer version of the program may be able to open it.",
            )
        known = {"project", "title", "recipe", "history", "favourites", "view"}
        _check_fields(plain, known, known, "project")
        if not isinstance(plain["view"], dict):
            raise ProjectError(f"view must be an object, got {_words(plain['view'])}.", _PASTE)
        recipe = plain["recipe"]
        return cls(
            title=plain["title"],
            recipe=None if recipe is None else _recipe(recipe, "recipe"),
            history=_entries(plain["history"], "history"),
            favourites=_entries(plain["favourites"], "favourites"),
            view=plain["view"],
        )


def _items(recipe: Recipe) -> Iterator[str]:
    for node in walk(recipe.image):
        if isinstance(node, Stored | Photo):
            yield node.sha256
        elif isinstance(node, Move):
            yield node.direction
        elif isinstance(node, Computed):
            yield node.result
        elif isinstance(node, Tuned):
            yield node.delta
        elif isinstance(node, Universal):
            yield node.pattern


def _entries_json(entries: tuple[Entry, ...]) -> bytes:
    return b"[" + b",".join(_entry_json(entry) for entry in entries) + b"]"


def _entry_json(entry: Entry) -> bytes:
    parts = {
        "created": rfc8785.dumps(entry.created),
        "label": rfc8785.dumps(entry.label),
        "recipe": entry.recipe.canonical,
    }
    return _object(parts)


def _object(parts: Mapping[str, bytes]) -> bytes:
    """A JSON object of finished values; its names must be given in order."""
    return b"{" + b",".join(b'"%s":%s' % (n.encode(), v) for n, v in parts.items()) + b"}"


def _entries(data: Any, where: str) -> tuple[Entry, ...]:
    if not isinstance(data, list):
        raise ProjectError(f"{where} must be a list, got {_words(data)}.", _PASTE)
    return tuple(_entry(item, f"{where}[{i}]") for i, item in enumerate(data))


def _entry(data: Any, where: str) -> Entry:
    if not isinstance(data, dict):
        raise ProjectError(f"{where} must be an object, got {_words(data)}.", _PASTE)
    _check_fields(data, {"recipe", "created", "label"}, {"recipe", "created"}, where)
    recipe = _recipe(data["recipe"], f"{where}.recipe")
    return Entry(recipe, data["created"], data.get("label", ""))


def _recipe(data: Any, where: str) -> Recipe:
    try:
        return Recipe.from_plain(data)
    except RecipeError as error:
        raise ProjectError(f"{where} cannot be read: {error.what}", error.remedy) from error


def _check_fields(data: dict[str, Any], known: set[str], needed: set[str], where: str) -> None:
    unknown, missing = sorted(set(data) - known), sorted(needed - set(data))
    if unknown:
        raise ProjectError(f"{where} has an unknown field {_words(unknown[0])}.", _PASTE)
    if missing:
        raise ProjectError(f"{where} lacks the field {missing[0]!r}.", _PASTE)


def _check_line(what: str, text: Any) -> None:
    if not isinstance(text, str) or len(text) > MAX_TEXT or _UNPRINTABLE.search(text):
        raise ProjectError(
            f"{what} is one line of up to {MAX_TEXT} characters, got {_words(text)}.",
            "Shorten it, or remove what cannot be printed.",
        )


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a field stands twice")
    return data


def _whole(text: str) -> int | float:
    """RFC 8785 writes large floats without a point; beyond 2^53 only floats exist there."""
    return int(text) if len(text) < 16 else float(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number here")


def _words(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
