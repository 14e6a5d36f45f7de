"""Trains a small generator of any family on drawn portraits: the loop around `FamilyRun`.

The work folder holds `checkpoint.pt` (everything to go on from), `generator.safetensors`
(float16, the moving average), `metrics.jsonl` and `sheets/`. A run that finds a checkpoint goes on
with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from engine.cancel import CancelToken
from engine.errors import TrainingError
from engine.training.cache import default_folder, drawn_pictures
from engine.training.families.run import WEIGHTS, FamilyRun
from engine.training.families.sheet import write_sheet
from engine.training.families.spec import TrainFamily
from engine.training.hardware import keep_freed_memory
from engine.training.progress import Progress, append_line

OnProgress = Callable[[Progress], None]
TICK = 200  # batches between two words about the mapping's own lesson


def train(spec: TrainFamily, on_progress: OnProgress, cancel: CancelToken) -> Path:
    """Train until the plan ends, the minutes are over, or `cancel` is set.

    Returns the path of the weights; each way of stopping writes a checkpoint first. Raises
    TrainingError when the run cannot start, Cancelled while pictures are being drawn.
    """
    keep_freed_memory()
    started = time.monotonic()
    try:
        (spec.work / "sheets").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(
            f"The work folder {spec.work} cannot be made: {error.strerror}.", "Choose another one."
        ) from error
    config = spec.config
    codes = spec.codes()
    kind = "" if spec.by_direction else "-whole"
    pictures = drawn_pictures(
        codes.source(),
        (spec.cache or default_folder()) / f"z{config.z_dim}-c{config.c_dim}-turn{spec.seed}{kind}",
        seed=spec.data_seed,
        count=spec.portraits,
        size=config.resolution,
        cancel=cancel,
        on_drawn=lambda done, count: on_progress(
            Progress(f"Drawing portraits {done}/{count}", done / count, 0.0, None)
        ),
    )
    run = FamilyRun(spec, pictures)
    run.restore()

    def taught(step: int, steps: int) -> None:
        if step % TICK == 0:
            words = f"Teaching the mapping network {step}/{steps}"
            on_progress(Progress(words, step / steps, run.seconds, None))

    run.prepare(cancel, taught)
    sitting = Sitting(run, on_progress)
    while not cancel.cancelled and run.images < spec.total:
        if spec.minutes is not None and time.monotonic() - started > 60 * spec.minutes:
            break
        sitting.collect(run.step())
    sitting.end()
    return spec.work / WEIGHTS


class Sitting:
    """Tells, keeps and draws, each in its own time."""

    def __init__(self, run: FamilyRun, on_progress: OnProgress) -> None:
        self.run, self.on_progress = run, on_progress
        self.tick = self.kept = self.drawn = time.monotonic()
        self.tick_images = run.images
        self.sums: dict[str, list[Tensor]] = {}

    def collect(self, losses: dict[str, Tensor]) -> None:
        """After each step."""
        for name, value in losses.items():
            self.sums.setdefault(name, []).append(value)
        now, spec = time.monotonic(), self.run.spec
        if now - self.tick >= spec.tick_s:
            self._tell(now)
        if now - self.kept >= spec.checkpoint_s:
            self.run.keep()
            self.kept = time.monotonic()
        if now - self.drawn >= spec.sheet_s:
            self._draw()
            self.drawn = time.monotonic()

    def end(self) -> None:
        """Keep and draw once more, and write what is shipped."""
        self.run.keep()
        self.run.ship()
        self._draw()

    def _draw(self) -> None:
        run = self.run
        found = run.spec.part_at(max(0, run.images - 1))
        size = run.spec.config.resolution if found is None else found[0].resolution
        path = run.spec.work / "sheets" / f"{run.images:08d}-{size}px.png"
        write_sheet(path, run.average, run.codes, size)

    def _tell(self, now: float) -> None:
        run, spec = self.run, self.run.spec
        speed = (run.images - self.tick_images) / (now - self.tick)
        means = {name: float(torch.stack(values).mean()) for name, values in self.sums.items()}
        record: dict[str, object] = {name: round(value, 5) for name, value in means.items()}
        record |= {"images": run.images, "seconds": round(run.seconds, 1)}
        append_line(spec.work / "metrics.jsonl", record | {"images_per_s": round(speed, 2)})
        left = (spec.total - run.images) / max(speed, 1e-9)
        if spec.minutes is not None:
            left = min(left, max(0.0, spec.minutes * 60 - (now - run.since)))
        words = f"{run.images} images, {speed:.1f} images/s, " + ", ".join(
            f"{name} {value:.3f}" for name, value in means.items()
        )
        self.on_progress(Progress(words, run.images / spec.total, run.seconds, left))
        self.tick, self.tick_images, self.sums = now, run.images, {}
