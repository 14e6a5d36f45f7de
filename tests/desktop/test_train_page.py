"""The Train page: experiments, controls and their undo, lanes, transport, pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_lab import FakeSession
from fake_studio import FakeStudio
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.train_controls import DATA, GAME, LOSS, NETWORKS, SAMPLING, applies, value_of
from desktop.train_state import TrainState
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.slider_row import SliderRow
from engine.course import Course, KeptRun, LabWish
from engine.errors import BackendError
from engine.training.presets import PRESETS, preset
from engine.training_spec import (
    Adversarial,
    Drawn,
    Pictures,
    Portraits,
    WassersteinPenalty,
    picture_spec,
)


@pytest.fixture
def page(desk: Desk, qtbot: QtBot) -> Desk:
    desk.window.actions_by_name["page_train"].trigger()
    qtbot.waitUntil(lambda: desk.train.view is not None, timeout=15_000)
    return desk


def session(studio: FakeStudio) -> FakeSession:
    assert studio.lab.session is not None
    return studio.lab.session


def wished(studio: FakeStudio) -> LabWish:
    found = session(studio).said[-1]
    assert isinstance(found, LabWish)
    return found


def row(desk: Desk, path: str) -> SliderRow:
    found = [r for r in desk.window.train.findChildren(SliderRow) if r.property("path") == path]
    assert len(found) == 1
    return found[0]


def menu(desk: Desk, name: str) -> ChoiceRow:
    rows = desk.window.train.findChildren(ChoiceRow)
    return next(r for r in rows if r.isVisible() and r._field.accessibleName() == name)


def test_the_page_opens_on_a_running_experiment(page: Desk, studio: FakeStudio) -> None:
    assert page.window.stage.lab.isVisible()
    assert not page.window.tray.isVisible()
    assert page.train.state.preset == "collapse"
    wish = wished(studio)
    assert wish.running
    assert wish.courses == (Course(preset("collapse").spec),)
    pane = page.window.stage.lab.panes[0]
    assert "3 of 8 modes, 50% good" in pane._readings.text()
    assert not page.window.stage.lab.panes[1].isVisible()


def test_nothing_is_trained_that_nobody_sees(page: Desk, studio: FakeStudio) -> None:
    page.window.actions_by_name["page_explore"].trigger()
    assert not wished(studio).running
    assert not page.window.actions_by_name["train_run"].isEnabled()
    page.window.actions_by_name["page_train"].trigger()
    assert wished(studio).running


def test_every_experiment_can_be_chosen_and_undone(page: Desk, studio: FakeStudio) -> None:
    for chosen in PRESETS[1:]:
        page.train.use_preset(chosen.key)
        assert wished(studio).courses[0].spec == chosen.spec
        page.undo.undo()
        assert page.train.state.preset == "collapse"


def test_a_failure_stands_beside_what_mends_it(page: Desk, studio: FakeStudio) -> None:
    page.train.use_preset("collapse-r1")
    beside = next(
        b for b in page.window.train.findChildren(QPushButton) if b.text().startswith("See it")
    )
    beside.click()
    assert [course.spec for course in wished(studio).courses] == [
        preset("collapse").spec,
        preset("collapse-r1").spec,
    ]
    assert page.window.stage.lab.panes[1].isVisible()


def test_a_slider_is_one_step_of_undo_and_restarts_the_course(
    page: Desk, studio: FakeStudio
) -> None:
    slider = row(page, "method.d_optimiser.rate")
    before = page.train.state
    for rate in (1.0, 2.0, 3.0):
        slider.value_changed.emit(rate)
    slider.gesture_ended.emit()
    assert value_of(page.train.state, "method.d_optimiser.rate") == 3e-3
    assert wished(studio).courses[0].spec.method.d_optimiser.rate == 3e-3  # type: ignore[attr-defined]
    page.window.actions_by_name["page_explore"].trigger()
    page.window.actions_by_name["undo"].trigger()
    assert page.window.page == "train"
    assert page.train.state == before
    assert slider.value == pytest.approx(0.1)


def test_every_control_of_the_table_shows_where_it_applies_and_only_there(page: Desk) -> None:
    for key in ("data", "loss", "optimisers", "networks", "sampling", "experiment"):
        page.window.train.open_section(key)
    paths = [c.path for table in (DATA, LOSS, GAME, NETWORKS, SAMPLING) for c in table]
    for choose in (
        lambda: page.train.set_method("denoising"),
        lambda: page.train.set_method("adversarial"),
        lambda: page.train.set_loss("lsgan"),
        lambda: page.train.set_loss("ebgan"),
        lambda: page.train.set_method("pictures"),
    ):
        choose()
        shown = {
            w.property("path")
            for w in page.window.train.findChildren(QWidget)
            if w.property("path") and w.isVisible()
        }
        state = page.train.state
        assert shown == {
            path for path in paths if applies(state, path) and _section_shows(page, path)
        }


def _section_shows(page: Desk, path: str) -> bool:
    return not (path.startswith("sampling.") and not page.train.state.diffuses)


def test_a_loss_brings_its_own_settings(page: Desk) -> None:
    page.train.set_loss("wgan-gp")
    assert row(page, "method.loss.penalty").isVisible()
    assert not row(page, "method.loss.clip").isVisible()
    row(page, "method.loss.penalty").value_changed.emit(0.5)
    method = page.train.state.spec.method
    assert isinstance(method, Adversarial)
    assert method.loss == WassersteinPenalty(0.5)


def test_a_value_out_of_range_is_refused_and_the_control_goes_back(page: Desk) -> None:
    before = page.train.state
    page.train.set_field("batch", 1)
    assert page.train.state == before
    assert "batch" in page.window.stage.message.text


def test_both_lanes_share_data_seed_and_batch_and_nothing_else(
    page: Desk, studio: FakeStudio
) -> None:
    page.window.actions_by_name["train_compare"].trigger()
    page.train.set_field("seed", 5)
    page.train.set_field("data.modes", 6)
    page.train.set_field("method.r1", 1.0)
    first, second = (course.spec for course in wished(studio).courses)
    assert first.seed == second.seed == 5
    assert first.data == second.data
    assert (first.method.r1, second.method.r1) == (0.0, 1.0)  # type: ignore[attr-defined]
    page.train.edit_lane(0)
    assert row(page, "method.r1").value == 0.0
    page.window.actions_by_name["train_compare"].trigger()
    assert wished(studio).courses == (Course(first),)


def test_a_branch_leaves_where_the_lane_is(page: Desk, studio: FakeStudio, qtbot: QtBot) -> None:
    page.window.actions_by_name["train_branch"].trigger()
    trunk, branch = wished(studio).courses
    assert branch == trunk.branch(7)
    page.train.set_field("method.r1", 2.0)
    assert wished(studio).courses[1].parent == trunk
    qtbot.waitUntil(
        lambda: "branched at 7" in page.window.stage.lab.panes[1]._title.text(), timeout=15_000
    )


def test_the_transport_runs_steps_and_rewinds(page: Desk, studio: FakeStudio, qtbot: QtBot) -> None:
    page.window.actions_by_name["train_run"].trigger()
    assert not wished(studio).running
    page.window.actions_by_name["train_step"].trigger()
    assert wished(studio).jump == (1, 8)
    qtbot.waitUntil(lambda: page.train.view is not None and page.train.view.step == 8)
    track = page.window.stage.lab.transport.track
    QTest.mouseClick(track, Qt.MouseButton.LeftButton, pos=QPoint(6, 10))
    assert wished(studio).jump == (2, 0)  # the first checkpoint
    track.setFocus()
    QTest.keyClick(track, Qt.Key.Key_Right)
    assert wished(studio).jump[1] == 10
    page.train.set_pace(100)
    assert wished(studio).pace == 100


def test_one_draws_data_with_the_mouse(page: Desk, studio: FakeStudio) -> None:
    menu(page, "Data").chosen.emit("drawn")
    field = page.window.stage.lab.panes[0].field
    middle = field.square.center()
    left, right = middle - QPointF(40, 0), middle + QPointF(40, 0)
    QTest.mousePress(field, Qt.MouseButton.LeftButton, pos=left.toPoint())
    QTest.mouseMove(field, middle.toPoint())
    QTest.mouseMove(field, right.toPoint())
    QTest.mouseRelease(field, Qt.MouseButton.LeftButton, pos=right.toPoint())
    data = page.train.state.spec.data
    assert isinstance(data, Drawn)
    assert data.points[0].x < 0
    assert abs(data.points[0].y) < 0.1
    page.undo.undo()
    assert page.train.state.spec.data != data


def test_diffusion_asks_for_classes_and_scrubs(
    page: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    page.train.set_method("denoising")
    assert page.window.train.sections["sampling"].isVisible()
    assert not page.window.train.sections["loss"].isVisible()
    page.train.set_field("sampling.label", 3)
    page.train.set_field("sampling.place", 0.25)
    assert wished(studio).sampling.label == 3
    assert wished(studio).sampling.place == 0.25
    assert row(page, "sampling.guidance").isVisible()
    page.undo.undo()
    assert wished(studio).sampling.place == 1.0


def test_a_session_that_ends_badly_says_so_and_another_begins(
    page: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    old = session(studio)
    studio.lab.on_end(BackendError("The worker process ended by itself."))
    qtbot.waitUntil(page.window.stage.message.isVisible, timeout=15_000)
    page.train.flip_running()
    assert session(studio) is not old


# --- pictures


def test_pictures_train_pause_go_on_and_become_a_model(
    page: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    page.train.set_method("pictures")
    lab = page.window.stage.lab
    assert lab.pictures.isVisible()
    assert not lab.transport.isVisible()
    assert not wished(studio).running
    assert not lab.pictures._use.isEnabled()
    lab.pictures.run_flipped.emit()
    qtbot.waitUntil(lab.pictures._use.isEnabled, timeout=15_000)
    assert "640 of 6,400 images" in lab.pictures._words.text()
    assert "about 2 min left" in lab.pictures._words.text()
    page.train.flip_running()
    page.train.flip_running()
    assert studio.lab.pictures[0].said == ["run", "pause", "run"]
    lab.pictures._use.click()
    qtbot.waitUntil(lambda: studio.lab.models == [Path("/runs/one")], timeout=15_000)
    qtbot.waitUntil(page.at_rest, timeout=15_000)
    assert page.explore.kit is not None
    assert page.explore.kit.info.name == "blobs"
    assert studio.lab.pictures[0].stopped


def test_another_setting_ends_the_run_that_goes(
    page: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    page.train.set_method("pictures")
    page.train.flip_running()
    qtbot.waitUntil(lambda: page.pictures.view is not None, timeout=15_000)
    page.train.set_field("data.size_px", 64)
    assert studio.lab.pictures[0].stopped
    assert not page.pictures.running


def test_a_folder_is_learned_and_what_was_skipped_is_listed(
    page: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    studio.lab.skipped = (("odd.png", "It is damaged."),)
    page.train.set_method("pictures")
    page.train.use_folder("/home/somebody/cats")
    assert page.train.state.spec.data == Pictures("/home/somebody/cats", 32)
    page.train.flip_running()
    skipped = page.window.stage.lab.pictures._skipped
    qtbot.waitUntil(skipped.isVisible, timeout=15_000)
    assert "odd.png" in skipped.text()
    assert "It is damaged." in skipped.toolTip()


def test_an_earlier_run_goes_on(
    make_desk: Callable[..., Desk], studio: FakeStudio, qtbot: QtBot
) -> None:
    spec = picture_spec(loss="wgan-gp")
    studio.lab.runs = (KeptRun(spec, "/runs/two", 900, 0.0),)
    desk = make_desk(studio)
    desk.window.actions_by_name["page_train"].trigger()
    desk.train.set_method("pictures")
    desk.window.train.open_section("runs")
    panel = desk.window.train.panels["runs"]
    button = panel.findChildren(QPushButton)[0]
    assert "900 images" in button.text()
    button.click()
    assert desk.train.state.spec == spec
    assert studio.lab.pictures
    assert desk.pictures.running


def test_the_state_keeps_one_lane_for_pictures() -> None:
    state = TrainState().compared().with_method("pictures")
    assert len(state.courses) == 1
    assert isinstance(state.spec.data, Portraits)
    assert state.with_method("adversarial").kind == "adversarial"
