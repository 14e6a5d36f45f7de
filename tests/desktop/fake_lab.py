"""A lab without torch: it answers every wish at once, with made-up points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.cancel import CancelToken
from engine.course import (
    Course,
    Curves,
    KeptRun,
    LabView,
    LabWish,
    LaneView,
    PictureView,
    Preset,
)
from engine.frame import OnProgress
from engine.training.presets import PRESETS
from engine.training_spec import TrainingSpec

POINTS = np.zeros((4, 2), np.float32)


class FakeSession:
    """Keeps what it was told and shows what was wished."""

    def __init__(self, first: Any, on_view: Callable[[Any], None], view: Callable[[Any], Any]):
        self.said: list[Any] = [first]
        self.stopped = False
        self._on_view, self._view = on_view, view
        self._on_view(view(first))

    def say(self, word: Any) -> None:
        self.said.append(word)
        self._on_view(self._view(word))

    def stop(self) -> None:
        self.stopped = True


class FakeLab:
    """What engine.services.laboratory.Laboratory shows the window."""

    def __init__(self) -> None:
        self.session: FakeSession | None = None
        self.pictures: list[FakeSession] = []
        self.runs: tuple[KeptRun, ...] = ()
        self.models: list[Path] = []
        self.skipped: tuple[tuple[str, str], ...] = ()
        self.on_end: Callable[[BaseException | None], None] = lambda error: None

    def presets(self) -> tuple[Preset, ...]:
        return PRESETS

    def live(self, wish: LabWish, on_view: Any, on_end: Any) -> FakeSession:
        self.on_end = on_end
        self.session = FakeSession(wish, on_view, lab_view)
        return self.session

    def train_pictures(self, spec: TrainingSpec, on_view: Any, on_end: Any) -> FakeSession:
        self.on_end = on_end

        def view(word: Any) -> PictureView:
            stage = "paused" if word == "pause" else "training"
            return picture_view(spec, stage, self.skipped)

        self.pictures.append(FakeSession("run", on_view, view))
        return self.pictures[-1]

    def picture_runs(self) -> tuple[KeptRun, ...]:
        return self.runs

    def keep_model(
        self, run: Path, progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> str:
        self.models.append(run)
        return "blobs"


def lab_view(wish: LabWish) -> LabView:
    step = wish.jump[1] or 7
    lanes = tuple(lane_view(course, step) for course in wish.courses)
    return LabView(lanes, step, wish.running, wish.running, 100.0, (0, 5), wish.jump[0])


def lane_view(course: Course, step: int) -> LaneView:
    line = np.linspace(0, 1, 3, dtype=np.float32)
    curves = Curves(np.array([1.0, 2.0, 3.0]), line, line, line, line * 8, line)
    heat = np.arange(16, dtype=np.float32).reshape(4, 4)
    arrows = (POINTS, POINTS + 1)
    return LaneView(course, step, POINTS, POINTS, heat, arrows, 3, 8, 0.5, curves, classes=8)


def picture_view(
    spec: TrainingSpec, stage: str, skipped: tuple[tuple[str, str], ...] = ()
) -> PictureView:
    none = np.zeros(0)
    line = np.array([1.0, 2.0])
    grid = np.full((64, 128, 3), 90, np.uint8)
    return PictureView(
        spec, stage, stage.capitalize(), 640, 6400, grid, 50.0, 115.0, line, line, line, none,
        none, none, none, skipped, "/runs/one",
    )  # fmt: skip
