"""What is got ready while nothing is asked for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from desktop.controllers import engines
from desktop.controllers.ahead import AheadController
from desktop.controllers.engines import EnginesController
from desktop.lanes import Job
from engine.recipe import Generate, ModelRef, Recipe, Seed


class Render(QObject):
    frame_ready = Signal(object, object)
    frame = SimpleNamespace(recipe=Recipe(Generate(ModelRef("m", "0" * 64), Seed(1))))


class Studio:
    prepared = 0

    def unmeasured(self, ref: ModelRef) -> str:
        return ref.name

    def prepare_diffusion(self) -> None:
        self.prepared += 1


def test_the_worker_is_started_once_when_all_is_at_rest(qtbot: QtBot) -> None:
    render, studio, rest = Render(), Studio(), [False]
    AheadController(studio, render, lambda: rest[0], render, after_ms=5)
    qtbot.wait(40)
    assert studio.prepared == 0  # no picture yet
    render.frame_ready.emit(None, None)
    qtbot.wait(40)
    assert studio.prepared == 0  # something is being done
    rest[0] = True
    qtbot.waitUntil(lambda: studio.prepared == 1)
    render.frame_ready.emit(None, None)
    qtbot.wait(40)
    assert studio.prepared == 1


class Jobs:
    idle = False

    def __init__(self) -> None:
        self.labels: list[str] = []

    def submit(self, job: Job) -> None:
        self.labels.append(job.label)


def test_engines_are_measured_once_and_after_what_is_being_done(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "AFTER_MS", 5)
    render, jobs = Render(), Jobs()
    EnginesController(Studio(), jobs, render, render)
    render.frame_ready.emit(None, None)
    qtbot.wait(40)
    assert jobs.labels == []
    jobs.idle = True
    qtbot.waitUntil(lambda: len(jobs.labels) == 1)
    render.frame_ready.emit(None, None)
    qtbot.wait(40)
    assert len(jobs.labels) == 1
