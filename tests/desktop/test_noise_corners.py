"""The corners of the noise pad: quick pictures in the background, dropped when stale."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from desktop.controllers.noise_corners import CORNERS, STEPS, NoiseCornersController, corner_recipes
from desktop.controllers.thumbs import ThumbController
from desktop.diffuse_state import DiffuseState, Stages, recipe_of, state_of
from desktop.facts import LatticeView
from desktop.state import Lattice, lattice_base
from desktop.text_shares import of
from engine.cancel import CancelToken
from engine.frame import Frame, RenderSettings
from engine.recipe import ModelRef, Recipe, Seed

MODEL = ModelRef("m", "0" * 64)
STATE = DiffuseState(MODEL, Seed(5), sampler="ddpm", steps=200, stages=Stages(MODEL))


class SlowStudio:
    """Renders only when it is let, and stops when it is told to."""

    def __init__(self) -> None:
        self.made: list[Recipe] = []
        self.stopped: list[Recipe] = []
        self.slow = False

    def render(self, recipe: Recipe, settings: RenderSettings, token: CancelToken) -> Frame:
        while self.slow:
            if token.cancelled:
                self.stopped.append(recipe)
                token.check()
        self.made.append(recipe)
        return Frame(np.zeros((32, 32, 3), np.uint8), recipe, settings, "onnx", "preview", 0.0)


@pytest.fixture
def studio() -> SlowStudio:
    return SlowStudio()


@pytest.fixture
def thumbs(studio: SlowStudio, qtbot: QtBot) -> Any:
    made = ThumbController(studio)  # type: ignore[arg-type]
    yield made
    studio.slow = False
    made.close()


def test_corners_are_few_steps_of_the_picture_s_own_noises() -> None:
    found = corner_recipes(STATE)
    assert tuple(found.values()) == CORNERS
    states = [state_of(recipe) for recipe in found]
    assert [state.base for state in states] == [Seed(5), Seed(6), Seed(7), Seed(8)]
    assert {state.steps for state in states} == {STEPS}
    assert {state.stages for state in states} == {None}
    walked = replace(STATE, base=lattice_base(Lattice((5, 6, 7, 8), 0.4, 0.7)))
    assert corner_recipes(walked) == found  # a walk asks for nothing new


def test_corners_arrive_in_the_background_while_somebody_looks(
    studio: SlowStudio, thumbs: ThumbController, qtbot: QtBot
) -> None:
    corners = NoiseCornersController(thumbs)
    seen: list[LatticeView] = []
    corners.view_changed.connect(seen.append)
    corners.follow(STATE)
    qtbot.wait(350)
    assert studio.made == []
    corners.set_open(True)
    qtbot.waitUntil(lambda: set(seen[-1].tiles) == set(CORNERS), timeout=10_000)
    assert seen[-1].lattice is not None
    assert recipe_of(STATE) not in studio.made


def test_stale_corners_are_dropped_even_while_they_are_made(
    studio: SlowStudio, thumbs: ThumbController, qtbot: QtBot
) -> None:
    corners = NoiseCornersController(thumbs)
    corners.set_open(True)
    studio.slow = True
    corners.follow(STATE)
    old = set(corner_recipes(STATE))
    qtbot.waitUntil(lambda: thumbs.lane.running is not None, timeout=10_000)
    other = replace(STATE, conditioning=of("a hat"))
    corners.follow(other)
    qtbot.waitUntil(lambda: len(studio.stopped) == 1, timeout=10_000)
    studio.slow = False
    qtbot.waitUntil(lambda: len(studio.made) == 4 and thumbs.lane.idle, timeout=10_000)
    assert not old & set(studio.made)
    assert set(studio.made) == set(corner_recipes(other))
