"""The Text section by hand: three ways, sliders that go on, undo, and what goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_studio import FakeStudio
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.state import recipe_of
from desktop.views.text_panel import TextPanel
from engine.recipe import Recipe


@pytest.fixture
def panel(desk: Desk) -> TextPanel:
    desk.window.show_page("edit")
    desk.window.edit.open_section("text")
    found = desk.window.edit.panels["text"]
    assert isinstance(found, TextPanel)
    return found


def here(desk: Desk) -> Recipe:
    assert desk.explore.state is not None
    return recipe_of(desk.explore.state)


def press(panel: TextPanel, words: str) -> None:
    button = next(b for b in panel.findChildren(QPushButton) if b.text() == words)
    assert button.isEnabled()
    button.click()


def run(desk: Desk, panel: TextPanel, qtbot: QtBot, text: str, words: str) -> None:
    panel.text.setText(text)
    press(panel, words)
    qtbot.waitUntil(lambda: desk.edit.idle and not panel.job.running, timeout=10_000)


def choose(panel: TextPanel, way: str) -> None:
    panel.ways.set_key(way)
    panel.way_chosen.emit(way)


def test_a_search_changes_the_picture_and_undo_takes_it_back(
    desk: Desk, studio: FakeStudio, panel: TextPanel, qtbot: QtBot
) -> None:
    before = here(desk)
    run(desk, panel, qtbot, "a face with glasses", "Search")
    assert studio.edit.texts[0].recipe == before
    assert studio.edit.texts[0].pair.neutral == "a face"
    assert here(desk) != before
    assert "90%" in panel.message.text
    desk.undo.undo()
    assert here(desk) == before
    assert panel.strength.value == 0.0
    desk.undo.redo()
    assert panel.strength.value == studio.edit.texts[0].strength


def test_the_strength_slider_goes_on_from_what_was_found(
    desk: Desk, panel: TextPanel, qtbot: QtBot
) -> None:
    before = here(desk)
    run(desk, panel, qtbot, "a face with glasses", "Search")
    whole, count = here(desk), desk.undo.count()
    for value in (2.0, 1.0, 0.0):
        panel.strength.value_changed.emit(value)
    panel.strength.gesture_ended.emit()
    assert here(desk) == before
    assert desk.undo.count() == count + 1
    desk.undo.undo()
    assert here(desk) == whole


def test_a_style_direction_goes_on_to_another_picture_and_can_be_kept(
    desk: Desk, studio: FakeStudio, panel: TextPanel, qtbot: QtBot
) -> None:
    choose(panel, "direction")
    assert panel.threshold.isVisibleTo(panel)
    run(desk, panel, qtbot, "an old man", "Find")
    first = here(desk)
    panel.threshold.value_changed.emit(0.3)
    panel.threshold.gesture_ended.emit()
    assert here(desk) != first
    desk.explore.set_seed(99)  # moves stay with another seed, and the slider shows them
    assert (panel.strength.value, panel.threshold.value) == (4.0, 0.3)
    assert desk.explore.state is not None
    for value, moves in ((2.0, 1), (0.0, 0), (-1.5, 1)):
        panel.strength.value_changed.emit(value)
        panel.strength.gesture_ended.emit()
        assert [m.strength for m in desk.explore.state.moves] == [value] * moves
    desk.undo.undo()
    assert panel.strength.value == 0.0
    press(panel, "Keep as a direction")
    qtbot.waitUntil(lambda: desk.edit.idle, timeout=10_000)
    wish = studio.edit.wishes[-1]
    assert (wish.method, wish.name) == ("text", "an old man")
    assert wish.text is not None
    assert wish.text.threshold == 0.3


def test_an_empty_text_is_told_where_it_was_written(
    desk: Desk, panel: TextPanel, qtbot: QtBot
) -> None:
    run(desk, panel, qtbot, "  ", "Search")
    qtbot.waitUntil(lambda: "no text" in panel.message.text, timeout=10_000)


def test_a_search_can_be_stopped(
    desk: Desk, studio: FakeStudio, panel: TextPanel, qtbot: QtBot
) -> None:
    studio.edit.steps, studio.edit.delay_s = 100, 0.02
    panel.text.setText("a smiling face")
    press(panel, "Search")
    qtbot.waitUntil(lambda: panel.job.running and desk.edit.searches.running is not None)
    press(panel, "Stop")
    qtbot.waitUntil(lambda: desk.edit.idle and not panel.job.running, timeout=10_000)


def test_without_a_clip_one_is_asked_for_and_can_be_imported(
    desk: Desk, studio: FakeStudio, panel: TextPanel, qtbot: QtBot
) -> None:
    studio.clip_names = ()
    desk.edit.text.publish()
    go = next(b for b in panel.findChildren(QPushButton) if b.text() == "Search")
    assert not go.isEnabled()
    assert "No CLIP" in go.toolTip()
    desk.edit.text.bring(Path("published"))
    qtbot.waitUntil(lambda: desk.edit.idle and not panel.job.running, timeout=10_000)
    assert panel.clip.key == "published"
    assert go.isEnabled()


def test_another_picture_ends_a_search_that_was_for_the_one_before(
    desk: Desk, panel: TextPanel, qtbot: QtBot
) -> None:
    run(desk, panel, qtbot, "a face with glasses", "Search")
    desk.explore.set_seed(5)
    other = here(desk)
    panel.strength.value_changed.emit(1.0)
    panel.strength.gesture_ended.emit()
    assert here(desk) == other
