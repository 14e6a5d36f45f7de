"""How far a slider reaches and which layers it moves, judged by the attribute network alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from engine.cancel import CancelToken
from engine.directions.effects import Slider, clearly_moved, sweep
from engine.directions.sampling import Generator
from engine.perception.reader import Reader

STRENGTHS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5)
NEARLY = 0.05  # of a range and of the faces: less is not worth a wider slider
BETTER = 0.8  # other layers are taken when they leak at most this much of what all layers do


@dataclass(frozen=True)
class Reach:
    """What a range must do.

    It is wide enough when a share `sure` of the faces clearly move and the attribute changes by
    `span` of its range on average; it is then widened by `margin`, for faces not looked at, unless
    the attribute changes less there.
    """

    faces: int = 100
    sure: float = 0.98
    span: float = 0.6
    margin: float = 1.2


@dataclass(frozen=True)
class Trial:
    """A slider with its range and how cleanly it works.

    strength: what was enough, before the margin. leak: the mean size of the change of the worst
    other attribute over the own change.
    """

    slider: Slider
    strength: float
    enough: bool
    leak: float


def best_slider(
    model: Generator,
    reader: Reader,
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    name: str,
    vector: Float32[np.ndarray, " w_dim"],
    others: Sequence[str],
    reach: Reach,
    cancel: CancelToken | None,
) -> Slider:
    """The vector on all layers, or on those layers where it leaks clearly less."""
    best = trial(model, reader, ws, Slider(name, vector, -1, 1), others, reach, STRENGTHS, cancel)
    fair = BETTER * best.leak
    # Fewer layers move less, so nothing narrower than all layers need is worth a look.
    further = tuple(s for s in STRENGTHS if s >= best.strength)[:3]
    few = ws[: reach.faces // 2]
    for layers in layer_groups(model.info.num_ws):
        slider = Slider(name, vector, -1, 1, layers)
        if trial(model, reader, few, slider, others, reach, further, cancel).leak < fair:
            found = trial(model, reader, ws, slider, others, reach, further, cancel)
            if found.enough and found.leak < min(fair, best.leak):
                best = found
    return best.slider


def trial(
    model: Generator,
    reader: Reader,
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    slider: Slider,
    others: Sequence[str],
    reach: Reach,
    strengths: tuple[float, ...],
    cancel: CancelToken | None,
) -> Trial:
    """Widen the slider until it does what it must.

    Where no strength is enough, the one that counts is the first that does nearly as much as the
    best: going further would only break pictures.
    """
    kind = reader.columns.items[reader.columns.index(slider.name)].kind

    def look(strength: float) -> _Look:
        found = sweep(model, reader, ws, slider, (-strength, strength), cancel=cancel)
        own = float(found.change[:, found.column(slider.name)].mean())
        sure = float(clearly_moved(found, slider.name, kind == "binary").mean())
        columns = [found.column(name) for name in others if name != slider.name]
        worst = float(np.abs(found.change[:, columns]).mean(0).max())
        return _Look(strength, own, sure, worst)

    looks: list[_Look] = []
    for strength in strengths:
        looks.append(look(strength))
        if looks[-1].sure >= reach.sure and looks[-1].own >= reach.span:
            break
    enough = looks[-1].sure >= reach.sure and looks[-1].own >= reach.span
    best = max(seen.own + seen.sure for seen in looks)
    nearly = (seen for seen in looks if seen.own + seen.sure >= best - NEARLY)
    counts = looks[-1] if enough else next(nearly)
    wide = round(min(counts.strength * reach.margin, STRENGTHS[-1]), 1)
    if look(wide).own < counts.own:
        wide = counts.strength
    ranged = Slider(slider.name, slider.vector, -wide, wide, slider.layers)
    return Trial(ranged, counts.strength, enough, counts.worst / max(counts.own, 1e-6))


@dataclass(frozen=True)
class _Look:
    """One strength: mean own change, share of faces clearly moved, worst other change."""

    strength: float
    own: float
    sure: float
    worst: float


def layer_groups(num_ws: int) -> tuple[tuple[int, ...], ...]:
    """Coarse, coarse and middle, middle, middle and fine layers."""
    first, second = round(num_ws / 3), round(2 * num_ws / 3)
    bounds = ((0, first), (0, second), (first, second), (first, num_ws))
    return tuple(tuple(range(a, b)) for a, b in bounds if a < b)
