"""Frozen, validated values with one strict JSON form.

A `Struct` is a frozen dataclass whose annotations say what its fields may hold; it checks itself
when it is made, so that no malformed value exists anywhere in the program. A `Node` is a Struct
that belongs to a family (a direct subclass of Node) and is told from its siblings by `op`.
"""

from __future__ import annotations

import math
import re
import types
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from engine.errors import RecipeError

MAX_DEPTH = 64


@dataclass(frozen=True)
class Range:
    """Bounds of a number, both included."""

    low: float
    high: float


@dataclass(frozen=True)
class Pattern:
    """A regular expression that the whole text matches, and words for it."""

    regex: str
    words: str


@dataclass(frozen=True)
class Count:
    """Bounds of the length of a tuple, both included."""

    low: int
    high: int


class Struct:
    """A frozen dataclass that validates itself when it is made."""

    def __post_init__(self) -> None:
        for name, hint in hints_of(type(self)).items():  # type: ignore[arg-type]
            value = _check(hint, getattr(self, name), f"{type(self).__name__}.{name}")
            object.__setattr__(self, name, value)
        self.validate()

    def validate(self) -> None:
        """Check what concerns more than one field. Raises RecipeError."""

    def plain(self) -> dict[str, Any]:
        """The value as JSON data. Fields at their defaults are written too: one value, one form."""
        return {name: _plain(getattr(self, name)) for name in hints_of(type(self))}  # type: ignore[arg-type]

    @classmethod
    def read(cls, data: Any, where: str, depth: int = 0) -> Self:
        """Make the value from JSON data. Raises RecipeError that names the field."""
        return cls(**_read_fields(cls, data, where, depth, known=set()))


class Node(Struct):
    """A Struct of a family, told by `op`; read() of the family finds the member."""

    op: ClassVar[str] = ""
    members: ClassVar[dict[str, type[Node]]]

    def __init_subclass__(cls) -> None:
        if Node in cls.__bases__:
            cls.members = {}
        else:
            cls.members[cls.op] = cls

    def plain(self) -> dict[str, Any]:
        return {"op": self.op, **super().plain()}

    @classmethod
    def read(cls, data: Any, where: str, depth: int = 0) -> Self:
        if not isinstance(data, dict):
            raise RecipeError(f"{where} must be an object, got {_words(data)}.")
        op = data.get("op")
        member = cls.members.get(op) if isinstance(op, str) else None
        if member is None or not issubclass(member, cls):
            known = ", ".join(sorted(cls.members))
            raise RecipeError(f"{where}.op must be one of {known}, got {_words(op)}.")
        values = _read_fields(member, data, where, depth, known={"op"})
        return member(**values)


@cache
def hints_of(cls: type[Struct]) -> dict[str, Any]:
    """Field name to resolved annotation, in the order of declaration."""
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in fields(cls)}  # type: ignore[arg-type]


def _read_fields(
    cls: type[Struct], data: Any, where: str, depth: int, known: set[str]
) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise RecipeError(f"{where} is nested deeper than {MAX_DEPTH} levels.")
    if not isinstance(data, dict):
        raise RecipeError(f"{where} must be an object, got {_words(data)}.")
    hints = hints_of(cls)  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(hints) - known)
    if unknown:
        raise RecipeError(
            f"{where} has an unknown field {_words(unknown[0])}.",
            f"Known fields: {', '.join(hints)}.",
        )
    required = {f.name for f in fields(cls) if f.default is MISSING}  # type: ignore[arg-type]
    missing = sorted(required - set(data))
    if missing:
        raise RecipeError(f"{where} lacks the field {missing[0]!r}.")
    return {
        name: _read(hint, data[name], f"{where}.{name}", depth + 1)
        for name, hint in hints.items()
        if name in data
    }


def _read(hint: Any, data: Any, where: str, depth: int) -> Any:
    """JSON data to a value of the annotation; scalars are checked when the Struct is made."""
    base, bounds = _split(hint)
    if isinstance(base, type) and issubclass(base, Struct):
        return base.read(data, where, depth)
    if get_origin(base) in (Union, types.UnionType):
        if data is None:
            return _check(hint, None, where)
        choices = [arm for arm in get_args(base) if arm is not type(None)]
        lists = [arm for arm in choices if get_origin(_split(arm)[0]) is tuple]
        arm = lists[0] if isinstance(data, list) and lists else choices[0]
        return _read(arm, data, where, depth)
    if get_origin(base) is tuple:
        if not isinstance(data, list):
            raise RecipeError(f"{where} must be a list, got {_words(data)}.")
        item = get_args(base)[0]
        values = tuple(_read(item, x, f"{where}[{i}]", depth + 1) for i, x in enumerate(data))
        return _check_count(bounds, values, where)
    return _check(hint, data, where)


def _check(hint: Any, value: Any, where: str) -> Any:
    """Return the value in its one form (ints become floats where floats are meant), or refuse."""
    base, bounds = _split(hint)
    origin = get_origin(base)
    if origin in (Union, types.UnionType):
        return _check_union(base, value, where)
    if origin is Literal:
        if value not in get_args(base):
            known = ", ".join(map(str, get_args(base)))
            raise RecipeError(f"{where} must be one of {known}, got {_words(value)}.")
        return value
    if origin is tuple:
        if not isinstance(value, tuple):
            raise RecipeError(f"{where} must be a list, got {_words(value)}.")
        item = get_args(base)[0]
        values = tuple(_check(item, x, f"{where}[{i}]") for i, x in enumerate(value))
        return _check_count(bounds, values, where)
    if base is float or base is int:
        return _check_number(base, bounds, value, where)
    if not isinstance(value, base):
        raise RecipeError(f"{where} must be {_type_words(base)}, got {_words(value)}.")
    if isinstance(bounds, Pattern) and not re.fullmatch(bounds.regex, value):
        raise RecipeError(f"{where} must be {bounds.words}, got {_words(value)}.")
    return value


def _check_union(base: Any, value: Any, where: str) -> Any:
    arms = get_args(base)
    if value is None and type(None) in arms:
        return None
    choices = [arm for arm in arms if arm is not type(None)]
    lists = [arm for arm in choices if get_origin(_split(arm)[0]) is tuple]
    return _check(lists[0] if isinstance(value, tuple) and lists else choices[0], value, where)


def _check_number(base: type, bounds: Any, value: Any, where: str) -> Any:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise RecipeError(f"{where} must be {_type_words(base)}, got {_words(value)}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{where} must be a finite number, got {value}.")
    if base is int and value != math.floor(value):
        raise RecipeError(f"{where} must be {_type_words(base)}, got {_words(value)}.")
    if isinstance(bounds, Range) and not bounds.low <= value <= bounds.high:
        raise RecipeError(
            f"{where} must lie in [{_bound(bounds.low)}, {_bound(bounds.high)}], "
            f"got {_words(value)}.",
            f"Give a value from {_bound(bounds.low)} to {_bound(bounds.high)}.",
        )
    return base(value) + 0  # + 0 turns -0.0 into 0.0: one value, one form


def _bound(value: float) -> str:
    """A bound to the last digit: 4294967295 would else read as 4.29497e+09."""
    return str(int(value)) if value == int(value) else f"{value:g}"


def _check_count(bounds: Any, values: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if isinstance(bounds, Count) and not bounds.low <= len(values) <= bounds.high:
        raise RecipeError(
            f"{where} must have {bounds.low} to {bounds.high} entries, got {len(values)}."
        )
    return values


def _split(hint: Any) -> tuple[Any, Any]:
    if get_origin(hint) is Annotated:
        base, *bounds = get_args(hint)
        return base, bounds[0]
    return hint, None


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return value.plain()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _type_words(base: type) -> str:
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}.get(
        base, f"a {base.__name__}"
    )


def _words(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
