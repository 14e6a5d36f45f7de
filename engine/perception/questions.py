"""What a network that reads attributes can be asked, in words. No torch here."""

from __future__ import annotations

from engine.perception.columns import Column, Columns
from engine.perturbing import Question

# What the ends of a continuous attribute are called; others are "low" and "high".
ENDS = {
    "yaw": ("turned left", "turned right"),
    "pitch": ("looking down", "looking up"),
    "smile": ("serious", "smiling"),
    "age": ("young", "old"),
    "gender": ("masculine", "feminine"),
    "hair_length": ("short hair", "long hair"),
    "skin_tone": ("light skin", "dark skin"),
    "facial_hair": ("shaven", "bearded"),
    "greying": ("not grey", "grey"),
}


def questions_of(columns: Columns) -> tuple[Question, ...]:
    """What a reader of these columns can be asked. Those that need another one to show are left
    out: of a face without glasses nobody can say of what shape they are."""
    return tuple(Question(c.name, _values(c)) for c in columns.items if c.given is None)


def _values(column: Column) -> tuple[str, ...]:
    if column.values:
        return column.values
    return ENDS.get(column.name, (f"low {_plain(column)}", f"high {_plain(column)}"))


def _plain(column: Column) -> str:
    return column.name.replace("_", " ")
