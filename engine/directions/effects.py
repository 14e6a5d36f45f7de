"""What moving along a direction does, as a reading network sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from engine.cancel import CancelToken
from engine.directions.sampling import Generator, Seen, pictures, read_traits
from engine.perception.reader import Reader
from engine.recipe import Space

CLEAR = 0.25  # of an attribute's range: what counts as moved, and what others must stay below


@dataclass(frozen=True)
class Slider:
    """A named vector and the strengths its slider spans. layers: those it moves, None for all.

    space: where the vector lives; see latents.Space. note: how it was found, in a line.
    """

    name: str
    vector: Float32[np.ndarray, " dim"]
    low: float
    high: float
    layers: tuple[int, ...] | None = None
    space: Space = "w"
    note: str = ""


@dataclass(frozen=True)
class Sweep:
    """Traits of the same faces at each strength of one slider, in shares of their ranges."""

    names: tuple[str, ...]
    values: Float32[np.ndarray, "strengths n traits"]

    @property
    def change(self) -> Float32[np.ndarray, "n traits"]:
        """Last strength minus first."""
        return np.asarray(self.values[-1] - self.values[0])

    def column(self, name: str) -> int:
        """The position of a trait."""
        return self.names.index(name)


def moved(
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    vector: Float32[np.ndarray, " w_dim"],
    strength: float,
    layers: tuple[int, ...] | None = None,
) -> Float32[np.ndarray, "n num_ws w_dim"]:
    """ws after a step, on all layers or some."""
    out = ws.copy()
    rows = slice(None) if layers is None else list(layers)
    out[:, rows] += np.float32(strength) * vector.astype(np.float32)
    return out


def sweep(
    model: Generator,
    reader: Reader,
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    slider: Slider,
    strengths: tuple[float, ...],
    *,
    cancel: CancelToken | None = None,
    seen: Seen | None = None,
) -> Sweep:
    """Read the faces at each strength."""
    stacked = np.concatenate([moved(ws, slider.vector, s, slider.layers) for s in strengths])
    traits = read_traits(reader, pictures(model, stacked, cancel=cancel, seen=seen), cancel)
    return Sweep(traits.names, traits.values.reshape(len(strengths), len(ws), -1))


def clearly_moved(
    found: Sweep, name: str, binary: bool, share: float = CLEAR
) -> Float64[np.ndarray, " n"]:
    """1 for each face whose own attribute rises by `share` of its range, else 0.

    A binary attribute must also be absent at the first strength and present at the last.
    """
    column = found.column(name)
    rise = found.change[:, column] >= share
    if binary:
        rise &= (found.values[0, :, column] < 0.5) & (found.values[-1, :, column] > 0.5)
    return rise.astype(np.float64)
