"""The first path: start, drag, export, verify, and both backends, on the bundled generator."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.frame import ExportOptions
from engine.recipe import Generate, Recipe, Seed, Truncate
from engine.studio import Studio
from tests.benchmarks.figures import Figure, interleaved_per_s, median_ms

ROOT = Path(__file__).parents[2]
COLD_START = """
import sys
import main
from desktop import app
from engine.studio import Studio
from pathlib import Path
qt = app.application()
studio = Studio(Path(sys.argv[1]))
desk = app.build(studio, studio.home)
desk.start()
while not desk.shows_picture():
    qt.processEvents()
qt.processEvents()
print("torch" in sys.modules, flush=True)
desk.close()
"""


def measure() -> Iterator[Figure]:
    """Every figure of the suite, in the order in which a user meets them."""
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        home = Path(folder)
        yield from cold_start(home)
        yield from window(home)
        studio = Studio(home)
        yield from backends(studio)
        yield from provenance(studio, home)


def cold_start(home: Path) -> Iterator[Figure]:
    """From the start of the process to the first picture on the canvas, files warm."""
    taken, heavy = [], False
    for _ in range(4):
        began = time.perf_counter()
        done = subprocess.Popen(
            [sys.executable, "-c", COLD_START, str(home / "cold")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert done.stdout is not None
        heavy = heavy or done.stdout.readline().strip() != "False"
        taken.append((time.perf_counter() - began) * 1000)
        done.wait()
    yield Figure("cold start to first image", statistics.median(taken[1:]), "ms", at_most=2000)
    yield Figure("torch imported by the window", float(heavy), "0 or 1", at_most=0)


def window(home: Path) -> Iterator[Figure]:
    """A drag, an export and a verification in the real window, with the event loop watched."""
    from tests.benchmarks.hand import Hand

    with Hand(home / "window") as hand:
        hand.drag(60)  # settle: sessions, caches, glyphs
        gap = hand.drag(400)
        figures = hand.desk.render.latency.figures()
        lane = hand.desk.render.lane
        assert figures.p50_ms is not None
        assert figures.p95_ms is not None
        yield Figure("drag input to paint p50", figures.p50_ms, "ms")
        yield Figure("drag input to paint p95", figures.p95_ms, "ms", at_most=50)
        yield Figure("frames rendered in the drags", lane.done_count, "frames")
        yield Figure("requests coalesced in the drags", lane.coalesced_count, "requests")
        yield Figure("longest event-loop gap, drag", gap, "ms", at_most=100)
        path = home / "window.png"
        yield Figure("longest event-loop gap, export", hand.export(path), "ms", at_most=100)
        yield Figure("longest event-loop gap, verify", hand.verify(path), "ms", at_most=100)


def backends(studio: Studio) -> Iterator[Figure]:
    """Renders a second of one picture at a time, both backends in turns."""
    name = studio.models()[0].name
    onnx, torch = studio.open(name, "onnx"), studio.open(name, "torch")
    z = np.random.RandomState(85).randn(1, onnx.info.z_dim).astype(np.float32)
    ws = onnx.map(z)
    fast, slow, ratio = interleaved_per_s(
        lambda: onnx.synthesize(ws), lambda: torch.synthesize(ws), rounds=7, calls=20
    )
    apart = np.abs(onnx.synthesize(ws) - torch.synthesize(ws)).max() * 127.5
    yield Figure("renders a second, ONNX Runtime", fast, "1/s")
    yield Figure("renders a second, torch", slow, "1/s")
    yield Figure("ONNX Runtime to torch", ratio, "ratio")
    yield Figure("largest difference of the backends", float(apart), "of 255", at_most=2)


def provenance(studio: Studio, home: Path) -> Iterator[Figure]:
    """A whole export (render, sign, check, write) and a whole verification, at 512 px."""
    latent = Truncate(Seed(85), 0.7)
    recipe = Recipe(Generate(studio.ref(studio.models()[0].name), latent))
    path = home / "signed.png"
    options = ExportOptions()
    yield Figure("export", median_ms(lambda: studio.export(recipe, path, options), 7), "ms")
    yield Figure("verify", median_ms(lambda: studio.verify(path), 7), "ms")
    again = median_ms(lambda: studio.verify(path, rerender=True), 5)
    yield Figure("verify with a new rendering", again, "ms")
