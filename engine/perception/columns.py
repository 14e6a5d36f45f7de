"""What a network that reads pictures answers: one column an attribute.

A network's raw output has one number for a continuous or binary column and one a class for a
categorical one. `Columns` knows which is which, turns raw outputs into scores in label units and
measures them against labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float32

from engine.errors import ModelError

if TYPE_CHECKING:
    import torch

Kind = Literal["continuous", "binary", "categorical"]
KINDS = ("continuous", "binary", "categorical")


@dataclass(frozen=True)
class Column:
    """One attribute. given: the column that must be above 0 for this one to be visible at all."""

    name: str
    kind: Kind
    low: float
    high: float
    values: tuple[str, ...] = ()
    given: str | None = None

    @property
    def outputs(self) -> int:
        """How many raw outputs the column takes."""
        return len(self.values) if self.kind == "categorical" else 1

    @property
    def span(self) -> float:
        """The width of the column's range, in label units."""
        return self.high - self.low


@dataclass(frozen=True)
class Columns:
    """The columns of one network, in the order of its label table."""

    items: tuple[Column, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(c.name for c in self.items)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each column's raw outputs lie."""
        ends = np.cumsum([c.outputs for c in self.items]).tolist()
        return tuple(slice(end - c.outputs, end) for c, end in zip(self.items, ends, strict=True))

    @property
    def outputs(self) -> int:
        """How many raw outputs there are in all."""
        return sum(c.outputs for c in self.items)

    def index(self, name: str) -> int:
        """The position of a column. Raises ModelError for an unknown name."""
        if name not in self.names:
            raise ModelError(f"This network reads no attribute {name!r}.")
        return self.names.index(name)

    def scores(self, raw: Float32[np.ndarray, "n outputs"]) -> Float32[np.ndarray, "n columns"]:
        """Label units: the value, the probability of 1, or the index of the likeliest class."""
        out = np.empty((len(raw), len(self.items)), np.float32)
        for i, (column, at) in enumerate(zip(self.items, self.slices, strict=True)):
            part = raw[:, at]
            if column.kind == "continuous":
                out[:, i] = (column.low + column.high) / 2 + part[:, 0] * (column.span / 2)
            elif column.kind == "binary":
                out[:, i] = _sigmoid(part[:, 0])
            else:
                out[:, i] = part.argmax(1)
        return out

    def loss(self, raw: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The weighted mean over columns of what suits each: squares, or cross-entropy.

        raw: [n, outputs]; labels: [n, columns] in label units; weights: [columns]. A row counts
        for a column only where the column is visible.
        """
        import torch
        from torch.nn import functional as F

        losses = []
        for i, (column, at) in enumerate(zip(self.items, self.slices, strict=True)):
            part, label = raw[:, at], labels[:, i]
            if column.kind == "continuous":
                target = (label - (column.low + column.high) / 2) * (2 / column.span)
                each = (part[:, 0] - target).square() * 2
            elif column.kind == "binary":
                each = F.binary_cross_entropy_with_logits(part[:, 0], label, reduction="none")
            else:
                each = F.cross_entropy(part, label.long(), reduction="none")
                each = each / float(np.log(column.outputs))
            if column.given:
                seen = (labels[:, self.index(column.given)] > 0).float()
                losses.append((each * seen).sum() / seen.sum().clamp(min=1))
            else:
                losses.append(each.mean())
        return (torch.stack(losses) * weights).sum() / weights.sum()

    def quality(
        self, scores: Float32[np.ndarray, "n columns"], labels: Float32[np.ndarray, "n columns"]
    ) -> dict[str, dict[str, float]]:
        """For each column R2 (continuous) or accuracy and the share of the commonest class."""
        found = {}
        for i, column in enumerate(self.items):
            seen = labels[:, self.index(column.given)] > 0 if column.given else slice(None)
            got, want = scores[seen, i].astype(np.float64), labels[seen, i].astype(np.float64)
            if column.kind == "continuous":
                error = float(np.mean((got - want) ** 2))
                found[column.name] = {"r2": round(1 - error / max(float(want.var()), 1e-12), 4)}
            else:
                right = (got > 0.5) == (want > 0.5) if column.kind == "binary" else got == want
                common = np.bincount(want.astype(int)).max() / len(want)
                found[column.name] = {
                    "accuracy": round(float(right.mean()), 4),
                    "chance": round(float(common), 4),
                }
        return found

    def plain(self) -> list[dict[str, Any]]:
        """The columns as JSON data, for a card."""
        return [{**asdict(c), "values": list(c.values)} for c in self.items]

    @classmethod
    def read(cls, data: Iterable[Mapping[str, Any]]) -> Columns:
        """The columns from a card's JSON data. Raises ModelError when they make no sense."""
        try:
            items = tuple(Column(**{**c, "values": tuple(c.get("values", ()))}) for c in data)
        except (TypeError, AttributeError) as error:
            raise ModelError(f"The card's columns are malformed: {error}.") from error
        names = [c.name for c in items]
        broken = not items or len(set(names)) < len(names)
        if broken or any(c.kind not in KINDS or not c.low < c.high for c in items):
            raise ModelError("The card's columns are empty, doubled, of unknown kind or range.")
        return cls(items)


def _sigmoid(x: Float32[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)), np.float32)
