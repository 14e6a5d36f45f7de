"""Speed, measured on this machine in this run. Run by `python main.py bench`, not by pytest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure, machine


def run(suite: str, out: Path | None, told: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Measure a suite: {"suite", "machine", "figures": [...]}; also written to `out` as JSON.

    told: hears every figure when it is measured.

    Windows are drawn offscreen: Qt would end the whole process where there is no display.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    rows = []
    for figure in _suite(suite)():
        rows.append(figure.plain())
        told(rows[-1])
    found = {"suite": suite, "machine": machine(), "figures": rows}
    if out is not None:
        out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return found


def _suite(name: str) -> Callable[[], Iterator[Figure]]:
    from engine.errors import UsageError

    if name == "first":
        from tests.benchmarks.first import measure

        return measure
    if name == "provenance":
        from tests.benchmarks.provenance import measure as measure_provenance

        return measure_provenance
    if name == "editing":
        from tests.benchmarks.editing import measure as measure_editing

        return measure_editing
    if name == "diffusion":
        from tests.benchmarks.diffusion import measure as measure_diffusion

        return measure_diffusion
    if name == "gan":
        from tests.benchmarks.gan import measure as measure_gan

        return measure_gan
    if name == "labs":
        from tests.benchmarks.labs import measure as measure_labs

        return measure_labs
    raise UsageError(
        f"There is no suite {name!r}.", "Suites: first, gan, provenance, editing, diffusion, labs."
    )
