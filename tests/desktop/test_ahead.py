"""What is got ready while nothing is asked for."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from desktop.controllers.ahead import AheadController


class Render(QObject):
    frame_ready = Signal(object, object)


class Studio:
    prepared = 0

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
