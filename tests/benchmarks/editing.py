"""Editing on the bundled generator: directions, sums, texts, inversion, dragging, films.

Bars on attributes count the judge's verdict alone. The long form of each is the same with more
tries: set ATELIER_TRIES to multiply them (1 by default).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path as File

import numpy as np

from engine.cancel import CancelToken
from engine.directions.effects import Slider
from engine.directions.ganspace import principal_directions
from engine.directions.library import sliders
from engine.directions.measure import change, correlation, draw_faces
from engine.directions.named import unit_std
from engine.directions.sampling import Traits, pictures, read_traits, sample_w, to_ws
from engine.directions.sefa import factorised, style_weights
from engine.frame import ExportOptions, Progress
from engine.latent.arithmetic import combine
from engine.models.bundled import bundled_folder
from engine.models.library import load_tensors
from engine.models.opened import Model
from engine.perception.reader import Reader, open_reader
from engine.portraits.attributes import NAMED
from engine.services.workroom import workroom
from engine.studio import Studio
from engine.summing import kept_spread
from tests.benchmarks.figures import Figure
from tests.benchmarks.text import texts

MODEL, Z_MODEL = "portraits-stylegan2", "portraits-dcgan"
EXEMPLARS = (3, 8)  # a row of the pad takes ten
TRIES = max(1, int(os.environ.get("ATELIER_TRIES", "1")))
KEPT = 0.1  # of an attribute's range: what identity allows
NOSE = (0.5, 0.56)  # of a face that looks ahead, in shares of the picture
NOSE_TURN = 0.24  # how far the nose moves from a turn of -1 to +1


def quiet(progress: Progress) -> None:
    """Nobody watches."""


def measure() -> Iterator[Figure]:
    """Every figure of the suite."""
    import torch

    torch.set_num_threads(1)  # small pictures: more threads only wait for one another
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        room = workroom(File(folder))
        info = room.library.find(MODEL)
        judge = open_reader(bundled_folder() / "portraits-judge")
        model, quick = room.model(info, "torch"), room.model(info)
        yield from directions(quick, judge)
        yield from analogies(quick, judge, "w")
        for info in room.library.models():
            if info.name == Z_MODEL:
                yield from analogies(room.model(info), judge, "z")
        yield from texts(room, model, judge, 10 * TRIES, 2 * TRIES)
        yield from alignment(50 * TRIES)
        yield from inversion(model, judge)
        yield from dragging(model)
        yield from films(Studio(File(folder)))


# --- directions


def directions(model: Model, judge: Reader) -> Iterator[Figure]:
    """Of the five named directions, how many principal ones and SeFa's find without labels."""
    faces = draw_faces(model, 24 * TRIES, 71)
    known = [s for s in sliders(model.info.folder) if s.name in NAMED]
    effects = {s.name: change(model, judge, faces, s, NAMED).mean(0) for s in known}
    w = sample_w(model, 8000, 5)
    weights = style_weights(load_tensors(model.info), None, model.info.w_dim, model.info.num_ws)
    for title, vectors in (
        ("PCA", principal_directions(w, 16)),
        ("SeFa", [unit_std(v, w) for v in factorised(weights, 16)]),
    ):
        rows = [
            change(model, judge, faces, Slider("x", np.asarray(v, np.float32), -3, 3), NAMED)
            for v in vectors
        ]
        best = {
            name: max(abs(correlation(row.mean(0), effect)) for row in rows)
            for name, effect in effects.items()
        }
        found = sum(value >= 0.6 for value in best.values())
        yield Figure(f"{title}: named directions found of 5", found, "of 5", at_least=3)
        yield Figure(f"{title}: mean best correlation", float(np.mean(list(best.values()))), "")


# --- arithmetic


def analogies(model: Model, judge: Reader, space: str) -> Iterator[Figure]:
    """ "glasses man - man + woman" in attribute space: does the sum have glasses, and her gender?

    One draw: rows of exemplars by the judge's reading, summed as the pad does it.
    It succeeds when the sum wears glasses and stays on her side of gender.
    space: what the model calls w, "z" where it has no other.
    """
    w = sample_w(model, 1200, 73)
    traits = _read(model, judge, w)
    glasses, gender = (_column(traits, name) for name in ("eyeglasses", "gender"))
    man, woman = gender < -0.1, gender > 0.1
    with_glasses, without = glasses > 0.8, glasses < 0.2
    rows = ((1.0, man & with_glasses), (-1.0, man & without), (1.0, woman & without))
    for count in EXEMPLARS:
        rng, sums = np.random.RandomState(0), []
        for _ in range(100):
            chosen = [(sign, rng.choice(np.flatnonzero(kind), count)) for sign, kind in rows]
            signs = kept_spread(chosen) if space == "z" else [sign for sign, _ in chosen]
            found = zip(signs, (row for _, row in chosen), strict=True)
            sums.append(combine([(sign, list(w[row])) for sign, row in found]))
        seen = _read(model, judge, np.asarray(sums, np.float32))
        right = int(((_column(seen, "eyeglasses") > 0.5) & (_column(seen, "gender") > 0)).sum())
        bar = 80 if count == EXEMPLARS[-1] else None
        name = f"analogies in {space}, {count} exemplars a row"
        yield Figure(name, right, "of 100", at_least=bar)


def _read(model: Model, judge: Reader, w: np.ndarray) -> Traits:
    shown = pictures(model, to_ws(np.asarray(w, np.float32), model.info.num_ws))
    return read_traits(judge, shown)


def _column(traits: Traits, name: str) -> np.ndarray:
    return np.asarray(traits.values[:, traits.names.index(name)])


# --- alignment


def alignment(count: int) -> Iterator[Figure]:
    """Held-out drawn portraits, turned, moved and scaled in larger pictures: how they are found."""
    from engine.services.evaluate_aligner import measure_aligner

    folder = bundled_folder() / "portraits-aligner"
    found = measure_aligner(folder, False, quiet, CancelToken(), count)
    for name, unit, bar in (
        ("corners_px", "px of 64", 4.0), ("degrees", "degrees", 3.0), ("unsure", "share", 0.15),
        ("wrong_and_sure", "share", 0.04),
    ):  # fmt: skip
        yield Figure(f"alignment: {name.replace('_', ' ')}", found[name], unit, at_most=bar)
    empty = found["grounds_unsure"]
    yield Figure("alignment: unsure where no face is", empty, "share", at_least=0.9)
    yield Figure("alignment: one picture", found["seconds"], "s", at_most=2.0)


# --- inversion


def inversion(model: Model, judge: Reader) -> Iterator[Figure]:
    """Held-out generated pictures and drawn portraits: how near, and whether they can be edited."""
    from engine.portraits.dataset import portraits

    count = 4 * TRIES
    z = np.random.RandomState(4242).randn(count, model.info.z_dim).astype(np.float32)
    generated = model.pixels(model.map(z))
    drawn, _ = portraits(11, np.arange(count), model.info.resolution)
    drawn = drawn.permute(0, 2, 3, 1).numpy()
    for title, targets, bar in (
        ("generated", generated, 30.0), ("drawn", drawn, 24.0),
    ):  # fmt: skip
        began = time.perf_counter()
        found = [_inverted(model, target) for target in targets]
        took = (time.perf_counter() - began) / count
        ws = np.stack([item for item, _ in found])
        yield Figure(
            f"inversion in w+, {title}: mean PSNR", float(np.mean([p for _, p in found])), "dB",
            at_least=bar,
        )  # fmt: skip
        yield Figure(f"inversion in w+, {title}: a picture", took, "s")
        here = read_traits(judge, targets.transpose(0, 3, 1, 2))
        there = read_traits(judge, pictures(model, ws))
        named = [here.names.index(name) for name in NAMED]
        moved = np.abs(here.values[:, named] - there.values[:, named]).mean()
        yield Figure(
            f"inversion, {title}: change of attributes", float(moved), "of range", at_most=KEPT
        )
        if title == "generated":
            yield from _edits(model, judge, ws, model.map(z))


def _inverted(model: Model, target: np.ndarray) -> tuple[np.ndarray, float]:
    from engine.editing.generator import differentiable
    from engine.editing.invert import (
        InvertSettings,
        begin,
        invert,
        nearest,
        psnr_db,
        result_of,
        spread,
    )
    from engine.editing.perceptual import looks
    from engine.recipe import Noise

    net, w = differentiable(model, Noise()), sample_w(model, 2000, 3)
    around, token = spread(w), CancelToken()
    state = begin(nearest(net, target, w[:256], token), around, net.num_ws)
    settings = InvertSettings(w_steps=60, plus_steps=140)
    state = invert(net, target, state, around, looks(), settings, token, lambda *_: None)
    ws = result_of(state, around)
    shown = model.pixels(ws[None])[0]
    far = float(np.square((shown.astype(float) - target) / 127.5).mean())
    return ws, psnr_db(far)


def _edits(model: Model, judge: Reader, ws: np.ndarray, own: np.ndarray) -> Iterator[Figure]:
    """An edit after inversion, against the same edit of the picture's own latent."""
    smile = next(s for s in sliders(model.info.folder) if s.name == "smile")
    sizes = []
    for latents in (ws, own):
        shown = []
        for strength in (smile.low, smile.high):
            moved = latents + np.float32(strength) * smile.vector
            traits = read_traits(judge, pictures(model, moved.astype(np.float32)))
            shown.append(_column(traits, "smile"))
        sizes.append(float((shown[1] - shown[0]).mean()))
    ratio = sizes[0] / max(sizes[1], 1e-6)
    yield Figure("smile after inversion to smile before", ratio, "ratio", at_least=0.7)


# --- dragging


def dragging(model: Model) -> Iterator[Figure]:
    """The nose, 8 px of 64 to either side: how far from its target it ends."""
    import torch

    from engine.editing.drag import DragSettings, FeatureTap, begin, drag
    from engine.editing.generator import differentiable
    from engine.editing.invert import spread
    from engine.recipe import Noise

    tries = 6 * TRIES
    reader = open_reader(bundled_folder() / "portraits-attributes")
    net, around = differentiable(model, Noise()), spread(sample_w(model, 2000, 3))
    z = np.random.RandomState(5).randn(tries, model.info.z_dim).astype(np.float32)
    ws = model.map(z, None, 0.7)
    turn = _column(read_traits(reader, pictures(model, ws)), "yaw")
    left, steps, began = [], 0, time.perf_counter()
    for i in range(tries):
        side = -1 if turn[i] > 0 else 1
        handle = np.float32([[NOSE[0] + NOSE_TURN * turn[i], NOSE[1]]])
        target = handle + np.float32([[side * 8 / 64, 0]])
        tap = FeatureTap(net, torch.from_numpy(ws[i : i + 1]))
        state = begin(net, tap, around, ws[i], handle, target)
        drag(tap, around, state, DragSettings(), None, CancelToken(), lambda *_: None)
        left.append(float((state.handles - state.targets).norm()) * 64)
        steps += state.step
    took = (time.perf_counter() - began) / max(1, steps) * 1000
    yield Figure("drag by 8 of 64 px: mean final distance", float(np.mean(left)), "px", at_most=2)
    yield Figure("drag: one step", took, "ms")


# --- films


def films(studio: Studio) -> Iterator[Figure]:
    """A walk through three seeds: its pace evened out, and written as MP4."""
    from engine.path import Key, Path
    from engine.recipe import Generate, Seed, Truncate
    from engine.services.pace import even_out

    ref = studio.ref(MODEL)
    keys = tuple(
        Key(Generate(ref, Truncate(Seed(n), 0.7)), i * 1.0) for i, n in enumerate((1, 2, 3))
    )
    film = Path(keys, 25.0)
    pace = even_out(studio.home, film, quiet, CancelToken(), samples=40)
    yield Figure("perceptual length of a walk of two", pace.length, "")
    yield Figure("unevenness of its steps", pace.unevenness, "ratio")
    yield Figure("unevenness after re-timing", pace.after, "ratio", at_most=0.25)
    began = time.perf_counter()
    receipt = studio.export_film(film, studio.home / "walk.mp4", ExportOptions(size_px=256))
    took = time.perf_counter() - began
    yield Figure("MP4, 256 px, signed: frames a second", film.frames / took, "1/s")
    yield Figure("MP4 verifies as own", float(receipt.verdict == "own"), "0 or 1", at_least=1)
