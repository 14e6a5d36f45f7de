"""What a direction in any space does to the same faces: the rows of the disentanglement table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float32, UInt8

from engine.cancel import CancelToken
from engine.directions.effects import Slider, moved
from engine.directions.sampling import Generator, pictures, read_traits
from engine.perception.reader import Reader


class StyledGenerator(Generator, Protocol):
    """A Generator whose layers take styles."""

    def styles(
        self, ws: Float32[np.ndarray, "n num_ws w_dim"]
    ) -> Float32[np.ndarray, "n style_dim"]:
        """The styles of every layer, one after another."""
        ...

    def pixels_of_styles(
        self, styles: Float32[np.ndarray, "n style_dim"]
    ) -> UInt8[np.ndarray, "n height width 3"]:
        """Styles to pictures with the constant noise."""
        ...


@dataclass(frozen=True)
class Faces:
    """The same pictures as z and as ws."""

    z: Float32[np.ndarray, "n z_dim"]
    ws: Float32[np.ndarray, "n num_ws w_dim"]


def draw_faces(model: Generator, count: int, seed: int, psi: float = 1.0) -> Faces:
    """Random pictures of a model. seed: of numpy.random.RandomState."""
    z = np.random.RandomState(seed).randn(count, model.info.z_dim).astype(np.float32)
    return Faces(z, model.map(z, None, psi))


def along(
    model: Generator,
    faces: Faces,
    slider: Slider,
    strength: float,
    cancel: CancelToken | None = None,
) -> UInt8[np.ndarray, "n 3 height width"]:
    """The faces after a step of `strength` standard deviations along the slider."""
    step = np.float32(strength) * slider.vector.astype(np.float32)
    if slider.space == "z":
        return pictures(model, model.map(faces.z + step), cancel=cancel)
    if slider.space == "w":
        ws = moved(faces.ws, slider.vector, strength, slider.layers)
        return pictures(model, ws, cancel=cancel)
    return styled(model, faces.ws, step, cancel)  # type: ignore[arg-type]


def styled(
    model: StyledGenerator,
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    step: Float32[np.ndarray, " style_dim"],
    cancel: CancelToken | None = None,
    batch: int = 16,
) -> UInt8[np.ndarray, "n 3 height width"]:
    """The pictures of ws with `step` added to their styles."""
    parts = []
    for start in range(0, len(ws), batch):
        if cancel:
            cancel.check()
        shown = model.pixels_of_styles(model.styles(ws[start : start + batch]) + step)
        parts.append(shown.transpose(0, 3, 1, 2))
    return np.ascontiguousarray(np.concatenate(parts))


def change(
    model: Generator,
    reader: Reader,
    faces: Faces,
    slider: Slider,
    names: Sequence[str],
    cancel: CancelToken | None = None,
    ends: tuple[float, float] | None = None,
) -> Float32[np.ndarray, "n names"]:
    """Change of the named traits from the slider's low end to its high one, face by face.

    In shares of each attribute's range. ends: other strengths to go from and to.
    """
    low, high = ends or (slider.low, slider.high)
    values = []
    for strength in (low, high):
        traits = read_traits(reader, along(model, faces, slider, strength, cancel), cancel)
        values.append(traits.values[:, [traits.names.index(name) for name in names]])
    return np.asarray(values[1] - values[0], np.float32)


def scores(
    model: Generator,
    reader: Reader,
    faces: Faces,
    slider: Slider,
    names: Sequence[str],
    cancel: CancelToken | None = None,
) -> dict[str, float]:
    """Mean signed change of each named trait along the whole slider: a row of the table."""
    mean = change(model, reader, faces, slider, names, cancel).mean(0)
    return {name: round(float(value), 4) for name, value in zip(names, mean, strict=True)}


def correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two rows of effects are, whatever their size: the cosine, in [-1, 1]."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size else 0.0
