"""Growing on the Train page: the control and its undo, the marks, and numbers that fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_lab import picture_view
from fake_studio import FakeStudio
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.train_state import TrainState, title_of
from desktop.views.pictures_stage import PicturesStage
from desktop.widgets.curve_plot import LEFT_PX, CurvePlot, short_number
from desktop.widgets.number_edit import shown
from desktop.widgets.slider_row import SliderRow
from engine.course import Course
from engine.training.presets import preset
from engine.training_spec import Network, picture_method, picture_spec
from tests.desktop.test_train_page import page as page


def growth(desk: Desk) -> QToolButton:
    buttons = desk.window.train.findChildren(QToolButton)
    return next(b for b in buttons if b.text() == "Grow progressively")


def test_growing_is_one_step_of_undo_and_brings_its_own_networks(
    page: Desk, studio: FakeStudio
) -> None:
    page.window.train.open_section("data")
    assert not growth(page).isVisible()
    page.train.set_method("pictures")
    before = page.train.state
    assert growth(page).isVisible()
    growth(page).click()
    assert page.train.state.spec == picture_spec(grows=True)
    assert growth(page).isChecked()
    page.train.flip_running()
    assert studio.lab.pictures[-1].said == ["run"]
    page.undo.undo()
    assert page.train.state == before
    assert not growth(page).isChecked()


def test_the_loss_stays_and_one_that_cannot_grow_is_refused(page: Desk) -> None:
    page.window.train.open_section("data")
    page.train.set_method("pictures")
    page.train.set_loss("hinge")
    growth(page).click()
    grown = page.train.state
    assert grown.spec.method == picture_method(picture_spec(loss="hinge").method.loss, grows=True)  # type: ignore[attr-defined]
    page.train.set_loss("ebgan")
    assert page.train.state == grown
    assert "does not grow" in page.window.stage.message.text
    growth(page).click()
    page.train.set_loss("ebgan")
    growth(page).click()
    assert not growth(page).isChecked()
    assert not page.train.state.grows


def test_growth_is_said_in_words() -> None:
    state = TrainState().with_method("pictures")
    assert title_of(state.course) == "DCGAN on pictures"
    grown = state.with_growth(True)
    assert title_of(grown.course) == "ProGAN on pictures"
    assert grown.spec.method.generator == Network(16)  # type: ignore[attr-defined]
    assert grown.with_growth(False).spec == state.spec
    assert TrainState().with_growth(True) == TrainState()


def test_a_stop_of_the_tour_begins_its_experiment(
    make_desk: Callable[..., Desk],
    studio: FakeStudio,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    stop = replace(studio.tour()[0], page="train", section="loss", experiment="oscillation")
    monkeypatch.setattr(studio, "tour", lambda language="": (stop,))
    desk = make_desk(studio)
    desk.window.actions_by_name["tour"].trigger()
    qtbot.waitUntil(lambda: desk.window.page == "train", timeout=15_000)
    assert desk.train.state.courses == (Course(preset("oscillation").spec),)
    assert desk.train.running
    assert desk.window.train.sections["loss"].is_open
    desk.tour.tour.leave()
    qtbot.waitUntil(desk.at_rest, timeout=15_000)


def test_a_number_takes_as_many_decimals_as_its_field_has_room_for(qtbot: QtBot) -> None:
    assert shown(50.0, 3) == "50.000"
    assert shown(500.0, 3) == "500.00"
    assert shown(-0.9, 3) == "−0.900"
    assert shown(-12.5, 3) == "−12.50"
    assert shown(100_000, 0) == "100000"
    row = SliderRow("G rate", 0.05, 10, 1, decimals=3, beyond=(0.001, 1000))
    qtbot.addWidget(row)
    row.set_value(50.0)
    row.grab()
    room = row.number.width() - row.number.fontMetrics().horizontalAdvance("50.000")
    assert room >= 12, "the text, its margins and the frame"


def test_the_curves_mark_where_each_size_begins(qtbot: QtBot) -> None:
    stage = PicturesStage()
    qtbot.addWidget(stage)
    stage.resize(900, 600)
    view = picture_view(picture_spec(grows=True), "training")
    stage.show_view(view)
    stage.grab()
    bare = stage.losses.grab().toImage()
    stage.losses.set_marks(((0.0, "4 px"), (3200.0, "16 px")))
    assert stage.losses.grab().toImage() != bare


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.000454, "4.5e−4"),
        (-0.000454, "−4.5e−4"),
        (0.0, "0"),
        (0.0123, "0.0123"),
        (-0.0123, "−0.0123"),
        (1.5, "1.5"),
        (999.6, "1,000"),
        (12345.0, "12,345"),
        (1.2e7, "1.2e7"),
        (-12345.0, "−12,345"),
        (-1.2e-12, "−1e−12"),
        (3.4e20, "3e20"),
    ],
)
def test_every_number_fits_beside_its_axis(qtbot: QtBot, value: float, words: str) -> None:
    assert short_number(value) == words
    plot = CurvePlot("Gradient")
    qtbot.addWidget(plot)
    small = plot.font()
    small.setPixelSize(max(9, plot.fontInfo().pixelSize() - 2))
    assert QFontMetrics(small).horizontalAdvance(words) <= LEFT_PX - 6


def test_the_readings_of_a_lane_have_room_for_the_longest(page: Desk) -> None:
    pane = page.window.stage.lab.panes[0]
    readings = pane._readings
    assert readings.width() >= readings.fontMetrics().horizontalAdvance("8 of 8 modes, 100% good")
