"""The table of what each slider does, by a judge that had no part in finding it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.cancel import CancelToken
from engine.directions.effects import CLEAR, Slider, clearly_moved, sweep
from engine.directions.sampling import Generator, Seen
from engine.perception.reader import Reader

MOVED_BAR = 0.95


def slider_effects(
    model: Generator,
    judge: Reader,
    slider: Slider,
    named: Sequence[str],
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    *,
    cancel: CancelToken | None = None,
    seen: Seen | None = None,
) -> dict[str, Any]:
    """What one slider does from its low end to its high end, averaged over the faces.

    change: mean signed change of each named attribute, in shares of its range. unsigned: mean
    size of that change. For a named slider also moved: the share of faces whose own attribute
    clearly rises, and holds: whether that is at least 95 % with every other attribute's unsigned
    change below 25 % of its range.
    """
    found = sweep(model, judge, ws, slider, (slider.low, slider.high), cancel=cancel, seen=seen)
    columns = [found.column(name) for name in named]
    change = found.change[:, columns]
    row: dict[str, Any] = {
        "low": slider.low,
        "high": slider.high,
        "change": _by_name(named, change.mean(0)),
        "unsigned": _by_name(named, np.abs(change).mean(0)),
    }
    if slider.name in named:
        kind = judge.columns.items[judge.columns.index(slider.name)].kind
        share = float(clearly_moved(found, slider.name, kind == "binary").mean())
        worst = max(v for name, v in row["unsigned"].items() if name != slider.name)
        row["moved"] = round(share, 4)
        row["holds"] = bool(share >= MOVED_BAR and worst < CLEAR)
    return row


def table(
    model: Generator,
    judge: Reader,
    sliders: Sequence[Slider],
    named: Sequence[str],
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    *,
    cancel: CancelToken | None = None,
    seen: Seen | None = None,
) -> dict[str, Any]:
    """The row of every slider, and in how many named ones the bars hold."""
    rows: dict[str, Any] = {}
    for done, slider in enumerate(sliders, 1):
        rows[slider.name] = slider_effects(model, judge, slider, named, ws, cancel=cancel)
        if seen:
            seen(done)
    return {
        "judge": judge.sha256,
        "faces": len(ws),
        "bars": {"moved": MOVED_BAR, "moved_means": CLEAR, "others_below": CLEAR},
        "holds": all(row["holds"] for row in rows.values() if "holds" in row),
        "rows": rows,
    }


def _by_name(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}
