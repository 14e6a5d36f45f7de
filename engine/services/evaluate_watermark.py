"""Measures the invisible mark: what it survives, how it shows, how often chance finds one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.image.pixels import resize
from engine.models.bundled import bundled_folder
from engine.models.card import WEIGHTS
from engine.models.library import ModelLibrary
from engine.provenance import watermark
from engine.provenance.fingerprint import Pixels
from engine.provenance.watermark.code import ID_BITS
from engine.provenance.watermark.detect import detect
from engine.provenance.watermark.embed import embed
from engine.services import evaluate_unmarked, photographs, watermark_attacks
from engine.services.evaluate_unmarked import (
    MARGIN_PX,
    Reading,
    false_ids,
    read_unmarked,
    unmarked,
)
from engine.services.kept_results import KeptResults, digest_of
from engine.services.many_trials import through
from engine.services.photographs import held_out, held_out_files, tuned_on
from engine.services.watermark_attacks import (
    ATTACKS,
    FACES_SEED,
    SMALL_ATTACKS,
    Attack,
    drawn_portraits,
)

FULL, QUICK = (71, 71, 58), (8, 8, 4)  # faces, drawn portraits, photographs held out
NULL_FULL, NULL_QUICK = 20_000, 100
MODULES = (evaluate_unmarked, photographs, watermark_attacks)
CARD = bundled_folder().parent / "watermark.json"
SIDE_PX, SMALL_PX, LARGE_PX = 512, 256, 1024


@dataclass(frozen=True)
class Trial:
    """One picture marked, and damaged in every way: which ids came back, and what the mark cost."""

    photo: bool
    read: dict[str, bool]
    psnr_db: float
    ssim: float


def measure_watermark(
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
    null_count: int | None = None,
    out: Path | None = CARD,
    work: Path | None = None,
) -> dict[str, Any]:
    """The table of the mark; written to `out` as JSON. Raises ModelError without photographs.

    full: 200 pictures and 20,000 unmarked readings, else 20 and 100. null_count: another count.
    work: a folder where results are kept, so that a run which was stopped goes on.
    """
    counts = FULL if full else QUICK
    nulls = null_count or (NULL_FULL if full else NULL_QUICK)
    kept = KeptResults(None if work is None else work / "watermark.jsonl", _method())
    total = 2 * sum(counts) + nulls
    done = 0

    def told(stage: str, results: Iterable[Any]) -> Iterator[Any]:
        nonlocal done
        for result in results:
            done += 1
            cancel.check()
            progress(Progress(stage, done / total))
            yield result

    scores: dict[str, Any] = {}
    for side, attacks in ((SIDE_PX, ATTACKS), (SMALL_PX, SMALL_ATTACKS)):
        found = through(kept, f"{side} px", _trial, _jobs(pictures(counts, side), attacks))
        trials = [Trial(*values) for values in told(f"marks at {side} px", found)]
        scores[f"{side} px"] = summary(trials, attacks)
    read = through(kept, "unmarked", read_unmarked, unmarked(nulls, _pool(), SMALL_PX))
    readings = [Reading(*values) for values in told("pictures without a mark", read)]
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


def _method() -> str:
    """The digest of everything that the results depend on."""
    folder = Path(str(watermark.__file__)).parent
    used = [Path(str(module.__file__)) for module in MODULES]
    faces = ModelLibrary(Path(os.devnull)).models()[0].folder / WEIGHTS
    shown = [*held_out_files(), faces]
    return digest_of([*folder.glob("*.py"), *used, Path(__file__), *shown])


def pictures(counts: tuple[int, int, int], side: int) -> Iterator[tuple[bool, Pixels]]:
    """So many generated faces, drawn portraits and photographs, as squares; which are the last.

    Where fewer photographs are here, more faces take their places.
    """
    faces, drawn, photos = counts
    held = list(islice(held_out(side), photos))
    made = islice(generated_faces(side), faces + photos - len(held))
    for pixels in chain(made, drawn_portraits(drawn, side)):
        yield False, pixels
    for pixels in held:
        yield True, pixels


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
    photos = [trial for trial in trials if trial.photo]
    return {
        "pictures": len(trials),
        "psnr_db": _spread([trial.psnr_db for trial in trials]),
        "ssim": _spread([trial.ssim for trial in trials]),
        "whole id read": {
            attack.name: {"share": _share(trials, attack), "bar": attack.bar} for attack in attacks
        },
        "held-out photographs alone": {
            "pictures": len(photos),
            "psnr_db": _spread([trial.psnr_db for trial in photos]),
            **{attack.name: _share(photos, attack) for attack in attacks},
        },
    }


def _share(trials: list[Trial], attack: Attack) -> float:
    return round(float(np.mean([trial.read[attack.name] for trial in trials])), 4)


def speed() -> dict[str, float]:
    """Median milliseconds at 1024 px, in this process."""
    picture = next(held_out(LARGE_PX))
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


class _Job(NamedTuple):
    photo: bool
    pixels: Pixels
    number: int
    names: tuple[str, ...]


def _jobs(
    many: Iterable[tuple[bool, Pixels]], attacks: tuple[Attack, ...]
) -> Iterator[Callable[[], _Job]]:
    names = tuple(attack.name for attack in attacks)
    for number, (photo, pixels) in enumerate(many):
        yield partial(_Job, photo, pixels, number, names)


def _pool() -> list[Pixels]:
    """Pictures without a mark, of both sets of photographs."""
    side = SMALL_PX + MARGIN_PX
    made = [pixels for _, pixels in pictures((40, 40, FULL[2]), side)]
    return [*made, *tuned_on(side)]


def _trial(job: _Job) -> tuple[Any, ...]:
    from skimage.metrics import structural_similarity

    photo, pixels, number, names = job
    source = np.random.RandomState(number)
    id = int.from_bytes(source.bytes(ID_BITS // 8), "big")
    marked = embed(pixels, id)
    read = {
        attack.name: detect(attack.damage(marked.pixels, source)).id == id
        for attack in ATTACKS
        if attack.name in names
    }
    ssim = structural_similarity(pixels, marked.pixels, channel_axis=2)
    return astuple(Trial(photo, read, marked.psnr, float(ssim)))


def _spread(values: list[float]) -> dict[str, float]:
    return {"least": round(min(values), 4), "median": round(float(np.median(values)), 4)}
