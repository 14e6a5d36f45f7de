"""A run on pictures in its own process: it trains, shows, saves every half minute, and goes on.

The run's folder is named after its spec. It holds `spec.json`, `pictures.npy`, `skipped.json`,
`checkpoint.pt` and `curves.json`; a kill loses what came after the last checkpoint.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.course import KeptRun, PictureView
from engine.errors import AtelierError, TrainingError
from engine.training.cache import default_folder, drawn_pictures, portraits_source
from engine.training.checkpoint import load_state, save_array, save_state, write_whole
from engine.training.growing_game import GrowingGame
from engine.training.picture_folder import pictures_of
from engine.training.picture_game import PictureGame, batch_of
from engine.training.picture_measure import Ruler
from engine.training.sheet import grid
from engine.training_spec import Adversarial, Pictures, Portraits, TrainingSpec

SPEC, CHECKPOINT, CURVES = "spec.json", "checkpoint.pt", "curves.json"
PICTURES, SKIPPED = "pictures.npy", "skipped.json"
SAVE_S = 30.0  # less than the minute that a kill may cost
SHOW_S = 0.5
MEASURE_S = 120.0
COLUMNS, ROWS = 8, 4
DATA_SEED = 0
RESTING_S = 0.25
OnView = Callable[[PictureView], None]


def folder_of(root: Path, spec: TrainingSpec) -> Path:
    """Where a spec's run lies below the folder of runs."""
    return root / spec.sha256[:16]


def kept_runs(root: Path) -> tuple[KeptRun, ...]:
    """Runs that can go on, the newest first; what cannot be read is passed over."""
    found = []
    for path in root.glob(f"*/{SPEC}"):
        try:
            spec = TrainingSpec.from_json(path.read_bytes())
            stamp = (path.parent / CHECKPOINT).stat().st_mtime
            images = json.loads((path.parent / CURVES).read_text())["images"]
            found.append(KeptRun(spec, str(path.parent), int(images), stamp))
        except (OSError, ValueError, KeyError, TypeError, AtelierError):
            continue
    return tuple(sorted(found, key=lambda run: -run.stamp))


def game_of(spec: TrainingSpec) -> PictureGame:
    """The game that a spec is about, before its first step. Raises TrainingError."""
    grows = isinstance(spec.method, Adversarial) and spec.method.grows
    return GrowingGame(spec) if grows else PictureGame(spec)


def train_pictures(
    spec: TrainingSpec,
    root: Path,
    frame: OnView,
    cancel: CancelToken,
    inbox: SimpleQueue[str],
    cache: Path | None = None,
    save_s: float = SAVE_S,
) -> str:
    """Train until the spec's steps are made or `cancel` is set; returns the run's folder.

    inbox: "pause" and "run". save_s: seconds from one checkpoint to the next, 0 for one after
    every step. A run that is found goes on. Raises TrainingError when the folder
    cannot be written or the pictures do not do.
    """
    run = PictureRun(spec, folder_of(root, spec), frame, cache, save_s)
    run.open(cancel)
    while run.game.steps < spec.steps and not cancel.cancelled:
        run.listen(inbox, cancel)
        if not cancel.cancelled:
            run.step()
    run.end()
    return str(run.folder)


class PictureRun:
    """The game, its pictures, and what is shown and kept of it."""

    def __init__(
        self,
        spec: TrainingSpec,
        folder: Path,
        frame: OnView,
        cache: Path | None = None,
        save_s: float = SAVE_S,
    ) -> None:
        self.spec, self.folder = spec, folder
        self._frame, self._save_s = frame, save_s
        self._cache = cache or default_folder()
        self._stage, self._words = "reading", "Reading pictures"
        self._lines: list[tuple[int, float, float]] = []
        self._measures: list[tuple[int, float, float, float]] = []
        self._skipped: list[tuple[str, str]] = []
        self._rate = self._work_rate = 0.0  # images and work a second
        self.pictures: UInt8[np.ndarray, "n 3 s s"] = np.zeros((0, 3, 1, 1), np.uint8)

    def open(self, cancel: CancelToken) -> None:
        """Read or draw the pictures, and go on where a checkpoint stopped."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(
                f"The folder {self.folder} cannot be made: {error.strerror}.", "Free some space."
            ) from error
        write_whole(self.folder / SPEC, lambda path: path.write_bytes(self.spec.canonical))
        self.game = game_of(self.spec)
        self._show()
        self.pictures = self._read(cancel)
        self._z = torch.from_numpy(
            np.concatenate(
                [
                    np.random.RandomState(seed).randn(1, self.game.config.z_dim)
                    for seed in range(COLUMNS * ROWS)
                ]
            ).astype(np.float32)
        )
        self._ruler = Ruler(self.pictures)
        if (self.folder / CHECKPOINT).exists():
            self.game.restore(load_state(self.folder / CHECKPOINT))
            self._recall()
        now = time.monotonic()
        self._shown = self._saved = self._measured = self._tick = now
        self._tick_steps = self.game.steps
        self._stage, self._words = "training", "Training"
        self._show()

    def step(self) -> None:
        """One step; now and then more."""
        loss_d, loss_g = self.game.step(lambda n: batch_of(self.pictures, n))
        if not np.isfinite((loss_d, loss_g)).all():
            raise TrainingError(
                "The losses have left all bounds.", "Lower a rate, or choose another loss."
            )
        self._lines.append((self.game.images, loss_d, loss_g))
        now = time.monotonic()
        if now - self._shown >= SHOW_S:
            self._pace(now)
            self._show()
            self._shown = time.monotonic()
        if now - self._measured >= MEASURE_S:
            self.measure()
            self._measured = time.monotonic()
        if now - self._saved >= self._save_s:
            self.save()

    def listen(self, inbox: SimpleQueue[str], cancel: CancelToken) -> None:
        """Pause when it is wished, until it shall run or stop."""
        paused = False
        while not cancel.cancelled:
            try:
                word = inbox.get(timeout=RESTING_S) if paused else inbox.get_nowait()
            except Empty:
                if paused:
                    continue
                break
            if word == "pause" and not paused:
                paused = True
                self.save()
                self._stage, self._words = "paused", "Paused, and saved"
                self._show()
            elif word == "run":
                paused = False
        if self._stage == "paused":
            self._stage, self._words = "training", "Training"
            self._tick, self._tick_steps = time.monotonic(), self.game.steps

    def measure(self) -> None:
        """Precision, recall and Frechet distance of what is made now."""
        found = self._ruler.measure(self.game.shown, self.game.config.z_dim)
        self._measures.append((self.game.images, *found))

    def end(self) -> None:
        """Measure, save and show once more."""
        self.measure()
        self.save()
        done = self.game.steps >= self.spec.steps
        self._stage = "done" if done else "paused"
        self._words = "Done" if done else "Stopped, and saved"
        self._show()

    def save(self) -> None:
        """Keep everything to go on from. Raises TrainingError when the disk is full; what was
        saved before stays."""
        save_state(self.folder / CHECKPOINT, self.game.state())
        kept = {
            "images": self.game.images,
            "lines": _thin(self._lines),
            "measures": self._measures,
        }
        write_whole(self.folder / CURVES, lambda path: path.write_text(json.dumps(kept)))
        self._saved = time.monotonic()

    # ---

    def _read(self, cancel: CancelToken) -> UInt8[np.ndarray, "n 3 s s"]:
        data = self.spec.data
        if isinstance(data, Portraits):
            return drawn_pictures(
                portraits_source(), self._cache, seed=DATA_SEED, count=data.count,
                size=data.size_px, cancel=cancel, on_drawn=self._reading,
            )  # fmt: skip
        assert isinstance(data, Pictures)
        path, list_path = self.folder / PICTURES, self.folder / SKIPPED
        if path.exists() and list_path.exists():
            self._skipped = [(str(a), str(b)) for a, b in json.loads(list_path.read_text())]
            kept: np.ndarray = np.load(path, allow_pickle=False)
            return kept
        found, skipped = pictures_of(Path(data.folder), data.size_px, cancel, self._reading)
        self._skipped = list(skipped)
        save_array(path, found)
        write_whole(list_path, lambda at: at.write_text(json.dumps(self._skipped)))
        return found

    def _reading(self, done: int, count: int) -> None:
        self._words = f"Reading pictures, {done:,} of {count:,}"
        self._show()

    def _recall(self) -> None:
        """The curves up to the checkpoint."""
        try:
            kept = json.loads((self.folder / CURVES).read_text())
            self._lines = [tuple(line) for line in kept["lines"] if line[0] <= self.game.images]
            self._measures = [tuple(m) for m in kept["measures"] if m[0] <= self.game.images]
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            self._lines, self._measures = [], []  # curves are lost, the run is not

    def _pace(self, now: float) -> None:
        taken = now - self._tick
        if taken >= 2.0:
            game, before = self.game, self._tick_steps
            self._rate = (game.steps - before) * self.spec.batch / taken
            self._work_rate = (game.work(game.steps) - game.work(before)) / taken
            self._tick, self._tick_steps = now, game.steps

    def _show(self) -> None:
        total = self.spec.steps * self.spec.batch
        left = None
        if self._work_rate > 0:
            ahead = self.game.work(self.spec.steps) - self.game.work(self.game.steps)
            left = ahead / self._work_rate
        words = self._words
        if self._stage != "reading" and self.game.words:
            words = f"{words}, {self.game.words}"
        steps, loss_d, loss_g = np.array(_thin(self._lines), np.float64).reshape(-1, 3).T
        table = np.array(self._measures, np.float64).reshape(-1, 4).T
        measured, precision, recall, frechet = table
        self._frame(
            PictureView(
                self.spec, self._stage, words, self.game.images, total, self._grid(),
                self._rate, left, steps, loss_d, loss_g, measured, precision, recall, frechet,
                tuple(self._skipped), str(self.folder), self.game.marks,
            )
        )  # fmt: skip

    @torch.no_grad()
    def _grid(self) -> UInt8[np.ndarray, "h w 3"]:
        """Seeds 0 to 31 by the moving average."""
        if self._stage == "reading":
            size = self.game.size_px
            return np.zeros((ROWS * size, COLUMNS * size, 3), np.uint8)
        return grid(to_pixels(self.game.shown(self._z)), COLUMNS)


def to_pixels(images: Any) -> UInt8[np.ndarray, "n s s 3"]:
    """float32 [-1, 1] NCHW to uint8 NHWC."""
    pixels = (images * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
    found: UInt8[np.ndarray, "n s s 3"] = pixels.permute(0, 2, 3, 1).contiguous().numpy()
    return found


def _thin(lines: list[Any], most: int = 400) -> list[Any]:
    """Evenly so many of the lines, the last among them."""
    every = max(1, -(-len(lines) // most))
    return lines[::-every][::-1]
