"""Stand-ins to plain values: what a constructor was given, in JSON's terms, within a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from engine.checkpoints.inert_values import Array, Global, InertSet, Thing
from engine.checkpoints.refusal import shown

MAX_DEPTH = 16
MAX_NODES = 20_000
MAX_LETTERS = 1_000_000
MAX_TEXT = 1000
MAX_LISTED = 256


def plain(value: Any, budget: Budget | None = None) -> Any:
    """The value as None, truth values, numbers, text, lists and dicts with text keys.

    An array of up to 256 values becomes lists, a torch type its name; what has no plain form
    becomes text in angle brackets. Text is clipped to 1000 letters. A value that is shared by many
    others is written out each time, so the whole is cut off after 20,000 parts.
    budget: what several values share.
    """
    return _Plain(budget or Budget()).of(value, 0)


@dataclass
class Budget:
    """Parts and letters that may still be written out."""

    nodes: int = MAX_NODES
    letters: int = MAX_LETTERS

    @property
    def spent(self) -> bool:
        """Whether nothing more may be written out."""
        return self.nodes < 0 or self.letters < 0


class _Plain:
    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def of(self, value: Any, depth: int) -> Any:
        self.budget.nodes -= 1
        if depth > MAX_DEPTH or self.budget.spent:
            return "<left out>"
        if value is None or type(value) is bool:
            return value
        if type(value) is int:
            return value if abs(value) < 2**63 else "<a large number>"
        if type(value) is float:
            return value if math.isfinite(value) else str(value)
        if type(value) is str:
            return self._text(value)
        if type(value) in (list, tuple, InertSet):
            items = value.items if type(value) is InertSet else value
            return [self.of(item, depth + 1) for item in items[:MAX_NODES]]
        if type(value) is dict:
            return self._dict(value, depth)
        return self._thing(value, depth)

    def _text(self, text: str) -> str:
        clipped = shown(text, MAX_TEXT)
        self.budget.letters -= len(clipped)
        return clipped

    def _dict(self, table: dict[Any, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in table.items():
            if self.budget.spent:
                break
            found[self._text(key if type(key) is str else repr(key)[:MAX_TEXT])] = self.of(
                value, depth + 1
            )
        return found

    def _thing(self, value: Any, depth: int) -> Any:
        if type(value) is Thing:
            table = value.items if value.items is not None else value.state
            if value.kind.meaning in ("persistent", "tf network", "module"):
                return f"<{shown(value.kind.name)}>"
            return self._dict(table, depth) if type(table) is dict else {}
        if type(value) is Array and value.storage is not None and value.size <= MAX_LISTED:
            self.budget.nodes -= value.size
            return self.of(value.to_numpy().tolist(), depth)
        if type(value) is Global:
            return f"{value.module}.{value.name}"
        return f"<{type(value).__name__.lower()}>"
