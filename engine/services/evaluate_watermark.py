"""Measures the invisible mark: what it survives, how it shows, how often chance finds one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import gumbel_r

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.image.pixels import resize
from engine.models.library import ModelLibrary, bundled_folder
from engine.provenance.fingerprint import Pixels
from engine.provenance.watermark.code import CHECK_BITS, ID_BITS
from engine.provenance.watermark.detect import LEAST_FIT, detect
from engine.provenance.watermark.embed import embed
from engine.services.watermark_attacks import (
    ATTACKS,
    FACES_SEED,
    SMALL_ATTACKS,
    Attack,
    drawn_portraits,
    photographs,
)

FULL, QUICK = (70, 70, 60), (6, 6, 8)  # faces, drawn portraits, photographs
NULL_FULL, NULL_QUICK = 20_000, 100
CARD = bundled_folder().parent / "watermark.json"
SIDE_PX, SMALL_PX, LARGE_PX = 512, 256, 1024


@dataclass(frozen=True)
class Trial:
    """One picture marked, and damaged in every way: which ids came back, and what the mark cost."""

    read: dict[str, bool]
    psnr_db: float
    ssim: float


def measure_watermark(
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
    null_count: int | None = None,
    out: Path | None = CARD,
) -> dict[str, Any]:
    """The table of the mark; written to `out` as JSON. Raises ModelError without scikit-image.

    full: 200 pictures and 20,000 unmarked readings, else 20 and 100. null_count: another count.
    """
    counts = FULL if full else QUICK
    nulls = null_count or (NULL_FULL if full else NULL_QUICK)
    total = 2 * sum(counts) + nulls
    done = 0

    def step(stage: str) -> None:
        nonlocal done
        done += 1
        cancel.check()
        progress(Progress(stage, done / total))

    scores: dict[str, Any] = {}
    for side, attacks in ((SIDE_PX, ATTACKS), (SMALL_PX, SMALL_ATTACKS)):
        trials = []
        for trial in on_every_core(_trial, _jobs(pictures(counts, side), attacks)):
            trials.append(trial)
            step(f"marks at {side} px")
        scores[f"{side} px"] = summary(trials, attacks)
    readings = []
    for reading in on_every_core(_read, _unmarked(nulls)):
        readings.append(reading)
        step("pictures without a mark")
    scores["unmarked"] = false_ids(readings)
    scores["ms at 1024 px"] = speed()
    form = "--full" if full else "--quick"
    card = {
        "name": "watermark",
        "scores": {**scores, "measured": {"command": f"python main.py evaluate watermark {form}"}},
    }
    if out is not None:
        out.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def pictures(counts: tuple[int, int, int], side: int) -> Iterator[Pixels]:
    """So many generated faces, drawn portraits and photographs, as squares."""
    faces, drawn, photos = counts
    yield from islice(generated_faces(side), faces)
    yield from drawn_portraits(drawn, side)
    yield from islice(photographs(side), photos)


def generated_faces(side: int) -> Iterator[Pixels]:
    """Faces of the first bundled generator, seed after seed."""
    from engine.models.opened import open_model

    model = open_model(ModelLibrary(Path(os.devnull)).models()[0])
    for seed in range(FACES_SEED, FACES_SEED + 1_000_000):
        z = np.random.RandomState(seed).randn(1, model.info.z_dim).astype(np.float32)
        image = model.synthesize(model.map(z, psi=0.7))[0].transpose(1, 2, 0)
        levels = np.clip(np.rint((image + 1) * 127.5), 0, 255).astype(np.uint8)
        yield resize(np.ascontiguousarray(levels), side, side)


def summary(trials: list[Trial], attacks: tuple[Attack, ...]) -> dict[str, Any]:
    """Shares of ids read, with their bars, and how visible the marks are."""
    return {
        "pictures": len(trials),
        "psnr_db": _spread([trial.psnr_db for trial in trials]),
        "ssim": _spread([trial.ssim for trial in trials]),
        "whole id read": {
            attack.name: {
                "share": round(float(np.mean([trial.read[attack.name] for trial in trials])), 4),
                "bar": attack.bar,
            }
            for attack in attacks
        },
    }


def false_ids(readings: list[tuple[bool, float, int]]) -> dict[str, Any]:
    """How often chance reads an id. readings: whether one was, the best fit, the words decoded.

    The best fit of a picture without a mark is a largest value of many, so a Gumbel distribution is
    fitted to it; the share of it above the least fit, times the words tried, times the chance of
    the check, is the rate that is to be expected.
    """
    fits = np.array([fit for _, fit, words in readings if words])
    words = float(np.mean([words for *_, words in readings]))
    place, width = (float(x) for x in gumbel_r.fit(fits)) if len(fits) > 10 else (0.5, 0.02)
    above = float(gumbel_r.sf(LEAST_FIT, place, width))
    return {
        "pictures": len(readings),
        "false ids": sum(found for found, *_ in readings),
        "words tried a picture": round(words, 1),
        "best fit": {"median": round(float(np.median(fits)), 3), "gumbel": [place, width]},
        "least fit": LEAST_FIT,
        "predicted rate a picture": float(f"{above * words * 2.0**-CHECK_BITS:.2e}"),
    }


def speed() -> dict[str, float]:
    """Median milliseconds at 1024 px, in this process."""
    picture = next(photographs(LARGE_PX))
    marked = embed(picture, 1).pixels
    works: dict[str, Callable[[], object]] = {
        "encode": lambda: embed(picture, 1),
        "decode": lambda: detect(marked, search=False),
        "decode with search, nothing there": lambda: detect(picture),
    }
    return {name: _median_ms(work) for name, work in works.items()}


def _median_ms(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(7):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return round(float(np.median(taken)), 1)


_Job = tuple[Pixels, int, tuple[str, ...]]


def _jobs(many: Iterable[Pixels], attacks: tuple[Attack, ...]) -> Iterator[_Job]:
    names = tuple(attack.name for attack in attacks)
    for number, pixels in enumerate(many):
        yield pixels, number, names


def _trial(job: _Job) -> Trial:
    from skimage.metrics import structural_similarity

    pixels, number, names = job
    source = np.random.RandomState(number)
    id = int.from_bytes(source.bytes(ID_BITS // 8), "big")
    marked = embed(pixels, id)
    read = {
        attack.name: detect(attack.damage(marked.pixels, source)).id == id
        for attack in ATTACKS
        if attack.name in names
    }
    ssim = structural_similarity(pixels, marked.pixels, channel_axis=2)
    return Trial(read, marked.psnr, float(ssim))


def _unmarked(count: int) -> Iterator[Pixels]:
    """Faces, portraits and photographs cut and turned differently each time."""
    source = np.random.RandomState(9)
    pool = list(pictures((40, 40, 60), SMALL_PX + 64))
    for _ in range(count):
        pixels = pool[source.randint(len(pool))]
        top, left = source.randint(65, size=2)
        part = np.rot90(pixels[top : top + SMALL_PX, left : left + SMALL_PX], source.randint(4))
        if source.rand() < 0.5:
            part = part[:, ::-1]
        yield np.ascontiguousarray(part)


def _read(pixels: Pixels) -> tuple[bool, float, int]:
    found = detect(pixels)
    return found.id is not None, found.fit, found.words


def on_every_core(work: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Any]:
    """`work` of each job, on every core, a few ahead."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        waiting: list[Any] = []
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > 3 * cores:
                yield waiting.pop(0).result()
        for one in waiting:
            yield one.result()


def _spread(values: list[float]) -> dict[str, float]:
    return {"least": round(min(values), 4), "median": round(float(np.median(values)), 4)}
