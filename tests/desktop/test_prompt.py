"""Models that read texts on the Diffuse page: a folder imported, a prompt, a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtWidgets import QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from desktop import text_shares
from desktop.app import Desk
from desktop.diffuse_state import Begun, DiffuseState, recipe_of, state_of
from desktop.facts import DiffuseKit
from desktop.text_shares import of as texts
from desktop.views.begin_panel import BeginPanel, words_of
from desktop.views.diffuse_panels import ClassPanel
from desktop.views.guidance_panel import GuidancePanel
from desktop.views.texts_box import TextsBox
from desktop.widgets.button import IconButton
from engine.denoising import ClassifierFree, DenoiserInfo, Texts, TextWeight
from engine.provenance.origin import source_type
from engine.recipe import ModelRef
from tests.random_pipeline import write_random_pipeline

HERE = Path("/nowhere")
READER = DenoiserInfo(
    "reader", "Reader", "1" * 64, 32, (), False, False, True, HERE, clip="2" * 64
)  # fmt: skip
STATE = DiffuseState(ModelRef("reader", READER.sha256), conditioning=texts("a hat"))


def field(panel: ClassPanel | GuidancePanel, name: str) -> QLineEdit:
    return next(f for f in panel.findChildren(QLineEdit) if f.accessibleName() == name)


def write(line: QLineEdit, text: str) -> None:
    line.setText(text)
    line.editingFinished.emit()


def test_a_model_that_reads_has_a_prompt_in_the_place_of_a_class(qtbot: QtBot) -> None:
    panel = ClassPanel()
    qtbot.addWidget(panel)
    panel.set_kit(DiffuseKit((READER,), (), ()))
    panel.show_state(STATE)
    line = field(panel, "Prompt")
    assert line.text() == "a hat"
    assert line.isVisibleTo(panel)
    heard: list[object] = []
    panel.texts_changed.connect(heard.append)
    write(line, " two  hats ")
    assert heard == [texts("two hats")]


def test_the_panel_tells_how_a_published_model_would_run(qtbot: QtBot) -> None:
    panel = ClassPanel()
    qtbot.addWidget(panel)
    panel.set_kit(DiffuseKit((READER,), (), runs={READER.sha256: "float32 weights"}))
    panel.show_state(STATE)
    shown = [label for label in panel.findChildren(QLabel) if label.text().startswith("Runs")]
    assert [label.text() for label in shown] == ["Runs: float32 weights."]
    panel.set_kit(DiffuseKit((READER,), ()))
    panel.show_state(STATE)
    assert not shown[0].isVisibleTo(panel)


def test_guidance_moves_away_from_a_text(qtbot: QtBot) -> None:
    panel = GuidancePanel()
    qtbot.addWidget(panel)
    panel.set_kit(DiffuseKit((READER,), (), ()))
    panel.show_state(STATE)
    heard: list[object] = []
    panel.field_changed.connect(lambda name, value: heard.append(value))
    write(field(panel, "Away from"), "a man")
    assert heard == [(ClassifierFree(3.0, texts("a man")),)]


def test_texts_are_blended_by_sliders_of_their_shares(qtbot: QtBot) -> None:
    box = TextsBox("Prompt", "", "")
    qtbot.addWidget(box)
    box.changed.connect(box.show_texts)
    box.show_texts(texts("a hat"))
    button = next(b for b in box.findChildren(IconButton) if "Blend" in b.toolTip())
    button.click()
    second = next(f for f in box.findChildren(QLineEdit) if f.accessibleName() == "Prompt 2")
    write(second, "a man")
    assert box._texts == Texts((TextWeight("a hat", 0.5), TextWeight("a man", 0.5)))
    with qtbot.waitSignal(box.gesture_ended):
        box._rows[1]._share._entered(0.8)
    assert box._texts == Texts((TextWeight("a hat", 0.2), TextWeight("a man", 0.8)))
    gone = next(b for b in box.findChildren(IconButton) if "Take prompt out" in b.toolTip())
    gone.click()
    assert box._texts == texts("a man")


phrases = st.text("abc ", max_size=6)
blends = st.lists(phrases, min_size=2, max_size=8).map(
    lambda found: reduce(text_shares.added, found[1:], texts(found[0]))
)


@given(blends, st.data())
def test_shares_add_up_to_one(blend: Texts, data: st.DataObject) -> None:
    if len(blend.weights) < 2:
        return  # the first text was empty, and the second alone is no blend
    index = data.draw(st.integers(0, len(blend.weights) - 1))
    share = data.draw(st.floats(-1.0, 1.5))
    moved = text_shares.weighed(blend, index, share)
    assert moved.weights[index].weight == pytest.approx(share, abs=6e-4)
    inside = all(text_shares.LOW < item.weight < text_shares.HIGH for item in moved.weights)
    if inside:
        assert sum(item.weight for item in moved.weights) == pytest.approx(1, abs=1e-6)
    less = text_shares.removed(moved, index)
    assert len(less.weights) in (len(moved.weights) - 1, 0)


@pytest.fixture
def desk(tmp_path: Path, open_desk: Callable[[Path], Desk]) -> Desk:
    return open_desk(tmp_path / "home")


def test_a_pipeline_is_imported_and_makes_what_the_prompt_says(
    desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    write_random_pipeline(tmp_path / "tiny-sd")
    desk.window.actions_by_name["page_diffuse"].trigger()
    qtbot.waitUntil(lambda: desk.diffuse.state is not None, timeout=60_000)
    desk.window.model_found.emit(tmp_path / "tiny-sd", "")
    kit = desk.diffuse
    qtbot.waitUntil(
        lambda: kit.kit is not None and any(m.name == "tiny-sd" for m in kit.kit.makers),
        timeout=120_000,
    )
    before = desk.diffuse.state
    desk.diffuse.use("tiny-sd")
    desk.diffuse.set_field("steps", 3)
    desk.diffuse.set_prompt("an old man")
    state = desk.diffuse.state
    assert state is not None
    assert state.prompt == "an old man"
    shown: list[object] = []
    desk.render.lane.finished.connect(lambda job, result: shown.append(job))
    qtbot.waitUntil(desk.at_rest, timeout=120_000)
    assert desk.studio.render(recipe_of(state)).pixels.shape == (16, 16, 3)
    both = text_shares.added(state.texts, "a smiling woman")
    desk.diffuse.set_texts(both)
    desk.diffuse.end_gesture()
    for share in (0.6, 0.7, 0.9):
        desk.diffuse.set_texts(text_shares.weighed(both, 1, share))
    desk.diffuse.end_gesture()
    blended = desk.diffuse.state
    assert blended is not None
    assert [item.weight for item in blended.texts.weights] == [0.1, 0.9]
    assert state_of(recipe_of(blended)) == blended
    desk.undo.undo()
    assert desk.diffuse.state.texts == both  # type: ignore[union-attr]
    for _ in range(4):
        desk.undo.undo()
    assert desk.diffuse.state == before
    desk.close()


def test_a_photo_and_explores_face_are_drawn_anew_and_come_back_by_undo(
    desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    Image.new("RGB", (40, 20), (200, 80, 40)).save(tmp_path / "wide.png")
    desk.window.actions_by_name["page_diffuse"].trigger()
    qtbot.waitUntil(lambda: desk.diffuse.state is not None, timeout=60_000)
    qtbot.waitUntil(lambda: desk.explore.state is not None, timeout=60_000)
    panel = desk.window.diffuse.make("begin")
    assert isinstance(panel, BeginPanel)
    panel.explore_wanted.emit()
    state = desk.diffuse.state
    assert state is not None
    assert state.begun is not None
    assert words_of(state.begun) == "a generated face"
    desk.begin.page.open(tmp_path / "wide.png")
    qtbot.waitUntil(lambda: words_of(_begun(desk)) == "a photo", timeout=60_000)
    desk.diffuse.set_field("begun", replace(_begun(desk), strength=0.3))
    desk.diffuse.set_field("steps", 4)
    desk.begin.paint((0.5, 0.5), False)
    desk.begin.paint((0.8, 0.5), False)
    desk.begin.paint((0.8, 0.5), True)
    desk.diffuse.end_gesture()
    assert [dab.x for dab in _begun(desk).only] == [0.5]
    recipe = desk.diffuse.recipe
    assert recipe is not None
    assert state_of(recipe) == desk.diffuse.state
    assert source_type(recipe) == "compositeWithTrainedAlgorithmicMedia"
    frame = desk.studio.render(recipe)
    assert frame.pixels.shape == (64, 64, 3)
    with qtbot.waitSignal(desk.begin.page.told, timeout=60_000) as heard:
        desk.begin.page.open(tmp_path / "missing.png")
    assert "missing.png" in str(heard.args)
    desk.close()


def _begun(desk: Desk) -> Begun:
    state = desk.diffuse.state
    assert state is not None
    assert state.begun is not None
    return state.begun
