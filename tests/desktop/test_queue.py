"""The queue of the Diffuse page: order, stopping, failures, and what is taken from it."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from desktop.controllers.queue import QueueController
from desktop.diffuse_state import DiffuseState
from desktop.facts import QueueView
from desktop.views.queue_panel import QueuePanel
from engine.errors import ModelError
from engine.frame import DenoisingStep, Frame
from engine.recipe import ModelRef, Recipe, Seed

STATE = DiffuseState(ModelRef("m", "a" * 64), base=Seed(7))


class Studio:
    """Renders grey pictures, one step at a time as the gate allows."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.made: list[Recipe] = []

    def render(self, recipe, settings, token, hear):
        for step in range(2):
            while not self.gate.acquire(timeout=0.01):
                token.check()
            hear(DenoisingStep(step, 2, np.zeros((8, 8, 3), np.uint8)))
        if recipe.image.noise == Seed(9):
            raise ModelError("No such noise.", "Take another.")
        self.made.append(recipe)
        return Frame(np.full((8, 8, 3), 90, np.uint8), recipe, settings, "torch", "full", 0.0)


@pytest.fixture
def queue(qtbot: QtBot):
    queue = QueueController(Studio())
    queue.views = []
    queue.view_changed.connect(queue.views.append)
    queue.follow(STATE)
    yield queue
    queue.close()


def stages(queue) -> list[str]:
    return [row.stage for row in queue.views[-1].rows]


def test_pictures_of_following_noises_are_made_in_turn(queue, qtbot: QtBot) -> None:
    queue.add(2)
    assert stages(queue) == ["running", "waiting"]
    queue._studio.gate.release(4)
    qtbot.waitUntil(lambda: stages(queue) == ["done", "done"])
    assert [recipe.image.noise for recipe in queue._studio.made] == [Seed(7), Seed(8)]
    assert queue.views[-1].rows[0].image is not None
    taken: list[DiffuseState] = []
    queue.taken.connect(taken.append)
    queue.take(queue.views[-1].rows[1].key)
    assert taken == [replace(STATE, base=Seed(8))]
    queue.clear()
    assert queue.views[-1] == QueueView(())


def test_what_waits_can_be_moved_and_taken_away_and_a_failure_stops_nothing(queue, qtbot) -> None:
    queue.add(4)
    keys = [row.key for row in queue.views[-1].rows]
    queue.move(keys[3], -1)
    queue.move(keys[1], -1)  # the first that waits stays first
    assert [row.key for row in queue.views[-1].rows] == [keys[0], keys[1], keys[3], keys[2]]
    queue.remove(keys[1])
    queue._studio.gate.release(6)
    qtbot.waitUntil(lambda: stages(queue) == ["done", "done", "failed"])
    assert queue.views[-1].rows[2].note == "No such noise. Take another."


def test_stopping_ends_the_running_picture_and_lets_the_others_go(queue, qtbot: QtBot) -> None:
    queue.add(3)
    first = queue.views[-1].rows[0].key
    queue.remove(first)
    qtbot.waitUntil(lambda: stages(queue) == ["stopped", "running", "waiting"])
    queue.stop()
    qtbot.waitUntil(lambda: stages(queue) == ["stopped", "stopped"])


def test_the_panel_asks_by_buttons_and_keys(qtbot: QtBot) -> None:
    panel = QueuePanel()
    qtbot.addWidget(panel)
    queue = QueueController(Studio())
    queue.view_changed.connect(panel.show_queue)
    panel.add_wanted.connect(queue.add)
    panel.moved.connect(queue.move)
    panel.removed.connect(queue.remove)
    queue.follow(STATE)
    panel._count.setValue(3)
    panel.add.click()
    assert panel.list.count() == 3
    panel.list.setCurrentRow(2)
    key = panel.list.key
    panel._up.click()
    assert panel.list.currentRow() == 1
    assert panel.list.key == key
    panel._remove.click()
    assert panel.list.count() == 2
    queue.close()
