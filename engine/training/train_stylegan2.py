"""Trains the Portraits generator: from drawn pictures to weights that can be shipped.

The work folder holds `checkpoint.pt` (everything to go on from), `generator.safetensors` and
`discriminator.safetensors` (float16; the generator is the moving average), `metrics.jsonl` and
`sheets/`. A run that finds a checkpoint goes on with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.cancel import CancelToken
from engine.errors import TrainingError
from engine.training.cache import (
    Source,
    default_folder,
    drawn_pictures,
    portraits_source,
    real_batch,
)
from engine.training.checkpoint import (
    load_state,
    load_weights,
    save_generator,
    save_state,
    save_weights,
)
from engine.training.ema import settle_w_avg
from engine.training.feature_rival import open_guide
from engine.training.hardware import Hardware, choose_hardware, keep_freed_memory
from engine.training.options import TrainStyleGAN2
from engine.training.perceptual import PerceptualLoss
from engine.training.progress import Progress, append_line, trim_lines
from engine.training.sheet import write_sheet
from engine.training.stylegan2_game import StyleGAN2Game
from engine.training.teach import Lessons
from engine.training.teach_mapping import teach_mapping

TOLD = ("taught", "rival", "loss_g", "loss_d", "guide")  # what a line of progress shows

MAPPING_TICK = 200  # batches between two words about the mapping's own lesson

OnProgress = Callable[[Progress], None]


def train(
    spec: TrainStyleGAN2,
    on_progress: OnProgress,
    cancel: CancelToken,
    source: Source | None = None,
) -> Path:
    """Train until the stages end, the minutes are over, or `cancel` is set.

    Returns the path of the generator's weights. Each way of stopping writes a checkpoint first,
    so calling again goes on. source: what draws the pictures; None for Portraits.
    Raises TrainingError when the run cannot start, Cancelled while pictures are being drawn.
    """
    keep_freed_memory()
    started = time.monotonic()
    hardware = choose_hardware(spec.device)
    _make_folder(spec.work)

    def drawn(done: int, count: int) -> None:
        elapsed = time.monotonic() - started
        left = elapsed * (count - done) / done
        on_progress(Progress(f"Drawing portraits {done}/{count}", done / count, elapsed, left))

    pictures = drawn_pictures(
        source or portraits_source(),
        spec.cache or default_folder(),
        seed=spec.data_seed,
        count=spec.portraits,
        size=spec.resolution,
        cancel=cancel,
        on_drawn=drawn,
    )
    sitting = Sitting(spec, hardware, pictures, on_progress, started)
    sitting.prepare(cancel)
    return sitting.run(cancel)


class Sitting:
    """One uninterrupted stretch of training on opened pictures."""

    def __init__(
        self,
        spec: TrainStyleGAN2,
        hardware: Hardware,
        pictures: np.ndarray,
        on_progress: OnProgress,
        started: float,
    ) -> None:
        self.spec = spec
        self.pictures = pictures
        self.device = hardware.device
        self.on_progress = on_progress
        self.started = started
        self.seconds_before = 0.0
        guide = None if spec.guide is None else open_guide(spec.guide)
        self.game = StyleGAN2Game(spec, hardware, guide)
        eye = PerceptualLoss(hardware.device) if spec.taught and spec.perceptual else None
        self.lessons = Lessons(spec, self.game, pictures, eye) if spec.taught else None
        self._begin()
        self.trained_since = time.monotonic()
        now = self.trained_since
        self.tick, self.kept, self.drawn = now, now, now
        self.tick_images = self.game.images
        self.sums: dict[str, list[Tensor]] = {}

    @property
    def seconds(self) -> float:
        """Training time of all sittings together."""
        return self.seconds_before + time.monotonic() - self.trained_since

    def prepare(self, cancel: CancelToken) -> None:
        """Teach the mapping network, once in a run. Raises Cancelled when the user stops it."""
        game, steps = self.game, self.spec.taught_mapping
        if self.lessons is None or game.images > 0 or self.spec.init is not None:
            return

        def tell(step: int, miss: float) -> None:
            cancel.check()
            if step % MAPPING_TICK == 0:
                elapsed = time.monotonic() - self.started
                left = (time.monotonic() - self.trained_since) * (steps - step) / step
                words = f"Teaching the mapping network {step}/{steps}, miss {miss:.3f}"
                self.on_progress(Progress(words, step / steps, elapsed, left))

        mapping = game.generator.mapping
        teach_mapping(mapping, self.lessons.turn, steps, seed=self.spec.seed, on_step=tell)
        game.average.mapping.load_state_dict(mapping.state_dict())

    def run(self, cancel: CancelToken) -> Path:
        """Step until something says stop."""
        while not cancel.cancelled and not self._time_is_over():
            if self.lessons is not None and self.game.images < self.spec.taught:
                self._collect(self.lessons.step(self.spec.taught))
                self._housekeeping(self.spec.resolution)
                continue
            stage = self.spec.stage_at(self.game.images)
            if stage is None:
                if self.lessons is None or self._is_over():
                    break
                self.game.calm_noise()
                self._collect(self.lessons.step(self.spec.total_images()))
                self._housekeeping(self.spec.resolution)
                continue
            resolution, gain = stage[0].resolution, stage[1]
            real = real_batch(self.pictures, self.spec.batch, resolution, gain, self.device)
            self._collect(self.game.step(real, resolution, gain))
            if self.lessons is not None and self._lesson_is_due():
                self._collect(self.lessons.step())
            self._housekeeping(resolution)
        self._report()
        self.keep()
        self.draw(self._resolution(self.game.images))
        return self.spec.work / "generator.safetensors"

    def keep(self) -> None:
        """Write the checkpoint and the weights to ship."""
        work, game = self.spec.work, self.game
        lessons = {} if self.lessons is None else self.lessons.state()
        settle_w_avg(game.average.mapping)
        save_state(work / "checkpoint.pt", game.state() | lessons | {"seconds": self.seconds})
        facts = {
            "images": str(game.images),
            "played": str(game.played),
            "seconds": str(round(self.seconds)),
        }
        save_generator(work / "generator.safetensors", game.average, **facts)
        save_weights(work / "discriminator.safetensors", game.discriminator, facts)
        self.kept = time.monotonic()

    def draw(self, resolution: int) -> None:
        """Write a sample sheet of the moving average."""
        folder = self.spec.work / "sheets"
        folder.mkdir(exist_ok=True)
        settle_w_avg(self.game.average.mapping)
        name = f"{self.game.images:08d}-{resolution}px.png"
        write_sheet(folder / name, self.game.average, resolution)
        self.drawn = time.monotonic()

    def _begin(self) -> None:
        checkpoint = self.spec.work / "checkpoint.pt"
        if checkpoint.exists():
            state = load_state(checkpoint)
            try:
                self.game.restore(state)
                if self.lessons is not None:
                    self.lessons.restore(state)
                self.seconds_before = float(state["seconds"])
            except (KeyError, RuntimeError, ValueError) as error:
                raise TrainingError(
                    f"The run in {self.spec.work.name} has other sizes than those asked for.",
                    "Give the options it was started with, or another --work folder.",
                ) from error
        elif self.spec.init is not None:
            load_weights(self.spec.init, self.game.generator)
            load_weights(self.spec.init, self.game.average)
            rival = self.spec.init.with_name("discriminator.safetensors")
            if rival.exists():
                load_weights(rival, self.game.discriminator)
        trim_lines(self.spec.work / "metrics.jsonl", self.game.images)

    def _resolution(self, images: int) -> int:
        """The size of the pictures after so many images."""
        stage = self.spec.stage_at(images)
        if images < self.spec.taught or stage is None:
            return self.spec.resolution
        return stage[0].resolution

    def _is_over(self) -> bool:
        total = self.spec.total_images()
        return total is not None and self.game.images >= total

    def _time_is_over(self) -> bool:
        minutes = self.spec.minutes
        return minutes is not None and time.monotonic() - self.started > minutes * 60

    def _lesson_is_due(self) -> bool:
        """Every other step of the game; without any, the game forgets what was taught."""
        return self.game.learning and self.game.steps % 2 == 0

    def _collect(self, losses: Mapping[str, Tensor]) -> None:
        for name, value in losses.items():
            self.sums.setdefault(name, []).append(value)

    def _housekeeping(self, resolution: int) -> None:
        now = time.monotonic()
        if now - self.tick >= self.spec.tick_s:
            self._report()
        if now - self.kept >= self.spec.checkpoint_s:
            self.keep()
        if now - self.drawn >= self.spec.sheet_s:
            self.draw(resolution)

    def _report(self) -> None:
        """One line of metrics and one of progress, with means since the last."""
        if not self.sums:
            return
        now, game = time.monotonic(), self.game
        rate = (game.images - self.tick_images) / max(now - self.tick, 1e-9)
        means = {name: float(torch.stack(values).mean()) for name, values in self.sums.items()}
        size = self._resolution(max(0, game.images - self.spec.batch))
        record: dict[str, object] = {name: round(value, 5) for name, value in means.items()}
        record |= {
            "images": game.images,
            "seconds": round(self.seconds, 1),
            "images_per_s": round(rate, 2),
            "resolution": size,
            "r_t": round(game.strength.r_t, 4),
            "p": round(game.strength.p, 5),
        }
        append_line(self.spec.work / "metrics.jsonl", record)
        self.on_progress(self._progress(means, rate, size))
        self.sums, self.tick, self.tick_images = {}, now, game.images

    def _progress(self, means: Mapping[str, float], rate: float, size: int) -> Progress:
        elapsed = time.monotonic() - self.started
        ends = []
        if self.spec.minutes is not None:
            ends.append(max(0.0, self.spec.minutes * 60 - elapsed))
        total = self.spec.total_images()
        if total is not None:
            ends.append((total - self.game.images) / max(rate, 1e-9))
        remaining = min(ends) if ends else None
        fraction = None if remaining is None else elapsed / max(elapsed + remaining, 1e-9)
        words = f"{size} px, {self.game.images} images, {rate:.1f} images/s, " + ", ".join(
            f"{name} {means[name]:.2f}" for name in TOLD if name in means
        )
        return Progress(words, fraction, elapsed, remaining)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(
            f"The work folder {folder} cannot be made: {error.strerror}.", "Choose another one."
        ) from error
