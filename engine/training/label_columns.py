"""Rows of the label table as numbers that a network can be taught to say."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.portraits.attributes import ATTRIBUTES, CIRCLES, Attribute


def columns_of(table: Float[np.ndarray, "n columns"]) -> Float[Tensor, "n t"]:
    """Rows of the label table, each entry with a spread of about 1: choices as one of many."""
    columns: list[np.ndarray] = []
    for attribute, column in zip(ATTRIBUTES, table.T, strict=True):
        if attribute.kind == "categorical":
            count = len(attribute.values)
            spread = math.sqrt((count - 1) / count**2)
            columns += [((column == value) - 1 / count) / spread for value in range(count)]
        elif attribute.name in CIRCLES:
            columns += [np.cos(2 * math.pi * column), np.sin(2 * math.pi * column)]
        else:
            middle = (attribute.low + attribute.high) / 2
            columns.append((column - middle) / (attribute.high - attribute.low) * 3.0)
    return torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))


def columns_about(names: Collection[str]) -> Float[Tensor, " t"]:
    """1 for each of those numbers that is of one of these attributes, 0 for the others."""
    parts = [[float(a.name in names)] * _count(a) for a in ATTRIBUTES]
    return torch.tensor([value for part in parts for value in part])


def _count(attribute: Attribute) -> int:
    if attribute.kind == "categorical":
        return len(attribute.values)
    return 2 if attribute.name in CIRCLES else 1
