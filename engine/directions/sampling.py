"""Random latents of a model, their pictures, and what a reading network sees in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float32, UInt8

from engine.cancel import CancelToken
from engine.frame import ModelInfo
from engine.perception.reader import Reader

Seen = Callable[[int], None]


class Generator(Protocol):
    """What finding directions needs of a model."""

    @property
    def info(self) -> ModelInfo:
        """Sizes and names."""
        ...

    def map(
        self, z: Float32[np.ndarray, "n z_dim"], c: Any = None, psi: float = 1.0
    ) -> Float32[np.ndarray, "n num_ws w_dim"]:
        """z to ws."""
        ...

    def pixels(
        self, ws: Float32[np.ndarray, "n num_ws w_dim"]
    ) -> UInt8[np.ndarray, "n height width 3"]:
        """ws to pictures with the constant noise."""
        ...


def sample_w(model: Generator, count: int, seed: int) -> Float32[np.ndarray, "count w_dim"]:
    """w of `count` random z at psi 1; a model of classes makes each of them in turn.

    seed: of numpy.random.RandomState.
    """
    z = np.random.RandomState(seed).randn(count, model.info.z_dim).astype(np.float32)
    kinds = model.info.c_dim
    c = np.eye(kinds, dtype=np.float32)[np.arange(count) % kinds] if kinds else None
    parts = [
        model.map(z[i : i + 1000], None if c is None else c[i : i + 1000])[:, 0]
        for i in range(0, count, 1000)
    ]
    return np.concatenate(parts).astype(np.float32)


def to_ws(w: Float32[np.ndarray, "n w_dim"], num_ws: int) -> Float32[np.ndarray, "n num_ws w_dim"]:
    """The same w on every layer."""
    return np.repeat(w[:, None], num_ws, axis=1)


def pictures(
    model: Generator,
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    *,
    batch: int = 16,
    cancel: CancelToken | None = None,
    seen: Seen | None = None,
) -> UInt8[np.ndarray, "n 3 height width"]:
    """The model's pictures with its constant noise. seen: told how many are done."""
    parts = []
    for start in range(0, len(ws), batch):
        if cancel:
            cancel.check()
        shown = model.pixels(np.ascontiguousarray(ws[start : start + batch]))
        parts.append(shown.transpose(0, 3, 1, 2))
        if seen:
            seen(min(start + batch, len(ws)))
    return np.ascontiguousarray(np.concatenate(parts))


@dataclass(frozen=True)
class Traits:
    """What a network sees, in shares of each attribute's range.

    values: a continuous column divided by its range, the probability of a binary one, and the
    probability of each class but the last of a categorical one ("hair_color=red").
    """

    names: tuple[str, ...]
    values: Float32[np.ndarray, "n traits"]


def read_traits(
    reader: Reader,
    images: UInt8[np.ndarray, "n 3 height width"],
    cancel: CancelToken | None = None,
) -> Traits:
    """Read every attribute that is visible in all pictures."""
    raw = reader.raw(images, cancel=cancel)
    names: list[str] = []
    values: list[np.ndarray] = []
    for column, at in zip(reader.columns.items, reader.columns.slices, strict=True):
        if column.given:
            continue
        part = raw[:, at].astype(np.float64)
        if column.kind == "continuous":
            names.append(column.name)
            values.append(part[:, 0] / 2)
        elif column.kind == "binary":
            names.append(column.name)
            values.append(0.5 * (1 + np.tanh(0.5 * part[:, 0])))
        else:
            shares = np.exp(part - part.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            names += [f"{column.name}={value}" for value in column.values[:-1]]
            values += list(shares.T[:-1])
    return Traits(tuple(names), np.stack(values, 1).astype(np.float32))
