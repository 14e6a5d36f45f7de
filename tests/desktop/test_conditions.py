"""Classes, noise by layer, motion, layers, card and missing models, as hands meet them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_studio import FakeStudio, digest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.card_facts import card_tables
from desktop.classes import canonical, with_another, with_class, with_share, without
from desktop.kit import Kit
from desktop.messages import LOCATE
from desktop.noise_layers import modes_of, strengths_of, with_mode, with_strength
from desktop.state import STILL, ExploreState, Motion, recipe_of, state_of
from desktop.views.class_panel import ClassPanel
from desktop.views.layers_panel import LayersPanel
from desktop.views.motion_panel import MotionPanel
from desktop.views.noise_panel import NoisePanel
from desktop.views.plane_hand import dragged, keyed, turned
from engine.frame import Anatomy, DirectionInfo, ModelInfo
from engine.recipe import (
    ClassWeight,
    Generate,
    ModelRef,
    Move,
    Noise,
    Recipe,
    Seed,
    Transform,
    Truncate,
)

MODEL = "portraits-stylegan2"
REF = ModelRef("m", "a" * 64)
ONE = (ClassWeight(3),)
shares = st.integers(-200, 300).map(lambda n: n / 100)


@pytest.fixture
def movable(make_desk: Callable[..., Desk], studio: FakeStudio) -> Desk:
    """A window on a StyleGAN3 with twelve classes."""
    names = tuple(f"Kind {index}" for index in range(12))
    studio.anatomies[MODEL] = Anatomy("StyleGAN3", (), True, names)
    return make_desk(studio)


def settle(qtbot: QtBot, desk: Desk) -> None:
    qtbot.waitUntil(desk.at_rest, timeout=20_000)
    qtbot.wait(20)


def state(desk: Desk) -> ExploreState:
    assert desk.explore.state is not None
    return desk.explore.state


def panel(desk: Desk, key: str) -> object:
    desk.window.explore.open_section(key)
    return desk.window.explore.panels[key]


# --- blending classes


def test_the_order_of_classes_is_no_part_of_the_picture() -> None:
    one = ExploreState(REF, Seed(1), classes=(ClassWeight(5, 0.4), ClassWeight(2, 0.6)))
    other = ExploreState(REF, Seed(1), classes=(ClassWeight(2, 0.6), ClassWeight(5, 0.4)))
    assert recipe_of(one) == recipe_of(other)
    assert state_of(recipe_of(one)) == other


def test_a_class_that_stands_twice_counts_once_and_one_without_share_not_at_all() -> None:
    given_ = (ClassWeight(5, 0.25), ClassWeight(2, 0.0), ClassWeight(5, 0.5))
    assert canonical(given_) == (ClassWeight(5, 0.75),)


def test_a_class_at_zero_keeps_its_row_but_leaves_the_recipe() -> None:
    classes = with_share(with_another(ONE, 4), 1, 0.0)
    assert classes == (ClassWeight(3, 1.0), ClassWeight(4, 0.0))
    made = recipe_of(ExploreState(REF, Seed(1), classes=classes)).image
    assert isinstance(made, Generate)
    assert made.classes == (ClassWeight(3, 1.0),)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8, unique=True), shares)
def test_shares_add_up_to_one(indices: list[int], share: float) -> None:
    classes: tuple[ClassWeight, ...] = (ClassWeight(indices[0]),)
    for index in indices[1:]:
        classes = with_another(classes, index)
        assert sum(item.weight for item in classes) == pytest.approx(1, abs=1e-3)
    if len(classes) > 1 and 0 <= share <= 1:
        moved = with_share(classes, 1, share)
        assert moved[1].weight == share
        assert sum(item.weight for item in moved) == pytest.approx(1, abs=2e-3)
        assert sum(item.weight for item in without(moved, 0)) == pytest.approx(1, abs=1e-3)


def test_a_class_is_replaced_where_it_stands_and_never_stands_twice() -> None:
    classes = with_another(ONE, 4)
    assert with_class(classes, 0, 9) == (ClassWeight(9, 0.5), ClassWeight(4, 0.5))
    assert with_class(classes, 0, 4) == classes
    assert with_another(classes, 4) == classes
    assert without(ONE, 0) == ONE


def test_a_conditional_model_begins_with_its_first_class(movable: Desk) -> None:
    assert state(movable).classes == (ClassWeight(0),)


def test_blending_in_the_window_and_undo(movable: Desk, qtbot: QtBot) -> None:
    found = panel(movable, "classes")
    assert isinstance(found, ClassPanel)
    found.class_chosen.emit(0, 7)
    found.add.picked.emit(2)
    assert [row.pick.text() for row in found.rows] == ["Kind 7", "Kind 2"]
    found.rows[1].share.slider.setFocus()
    found.share_changed.emit(1, 0.8)
    found.share_changed.emit(1, 0.75)
    found.gesture_ended.emit()
    assert state(movable).classes == (ClassWeight(7, 0.25), ClassWeight(2, 0.75))
    found.rows[0].remove.click()
    assert state(movable).classes == (ClassWeight(2, 1.0),)
    for kept in (2, 2, 1, 1):
        movable.undo.undo()
        assert len(state(movable).classes) == kept
    assert state(movable).classes == (ClassWeight(0),)
    settle(qtbot, movable)


def test_the_class_list_is_searched_by_keyboard(movable: Desk, qtbot: QtBot) -> None:
    found = panel(movable, "classes")
    assert isinstance(found, ClassPanel)
    pick = found.rows[0].pick
    pick.open()
    popup = pick._popup
    assert popup is not None
    QTest.keyClicks(popup._field, "kind 1")
    QTest.keyClick(popup._field, Qt.Key.Key_Down)
    QTest.keyClick(popup._field, Qt.Key.Key_Return)
    assert state(movable).classes == (ClassWeight(10),)
    settle(qtbot, movable)


# --- noise by layer


def test_layers_that_agree_are_said_once() -> None:
    noise = with_mode(Noise(), 3, 1, "none")
    assert noise.mode == ("const", "none", "const")
    assert with_mode(noise, 3, 1, "const") == Noise()
    strong = with_strength(Noise(), 3, 2, 0.5)
    assert strengths_of(strong, 3) == (1.0, 1.0, 0.5)
    assert modes_of(Noise("random"), 2) == ("random", "random")
    assert with_strength(strong, 3, 2, 1.0) == Noise()


def test_a_layers_noise_in_the_window_and_undo(desk: Desk, qtbot: QtBot) -> None:
    found = panel(desk, "noise")
    assert isinstance(found, NoisePanel)
    found.more.click()
    assert len(found.rows) == 5
    found.rows[2].mode.menu().actions()[2].trigger()
    assert state(desk).noise.mode == ("const", "const", "none", "const", "const")
    found.layer_strength_changed.emit(0, 1.5)
    found.gesture_ended.emit()
    assert state(desk).noise.strength == (1.5, 1.0, 1.0, 1.0, 1.0)
    assert found.rows[2].mode.text() == "None"
    desk.undo.undo()
    desk.undo.undo()
    assert state(desk).noise == Noise()
    assert found.rows[2].mode.text() == "Fixed"
    settle(qtbot, desk)


def test_noise_by_layer_does_not_go_over_to_a_model_with_other_layers(
    desk: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    studio.anatomies["blobs"] = Anatomy("StyleGAN2", (4, 8))
    desk.conditions.set_layer_mode(1, "none")
    desk.library.use("blobs")
    settle(qtbot, desk)
    assert state(desk).noise == Noise()


# --- motion


def test_a_still_plane_is_no_transform() -> None:
    assert isinstance(recipe_of(ExploreState(REF, Seed(1))).image, Generate)


@given(*(st.integers(-400, 400).map(lambda n: n / 100),) * 2, st.integers(-180, 180))
def test_a_motion_comes_back_from_its_recipe(x: float, y: float, rotation: int) -> None:
    moved = ExploreState(REF, Seed(1), motion=Motion(x, y, float(rotation)))
    assert state_of(Recipe.from_json(recipe_of(moved).text())) == moved


def test_the_plane_follows_the_pointer() -> None:
    place = QRectF(100, 100, 200, 200)
    assert dragged(QPointF(0, 0), QPointF(20, -10), place) == (0.1, -0.05, 0.0)
    # From the right of the middle to above it is a quarter counterclockwise.
    assert turned(QPointF(300, 200), QPointF(200, 100), place) == pytest.approx((0, 0, 90))
    assert keyed(Qt.Key.Key_Up, False) == (0.0, -0.01, 0.0)
    assert keyed(Qt.Key.Key_A, False) is None


def test_hands_and_keys_on_the_canvas_move_the_picture(movable: Desk, qtbot: QtBot) -> None:
    window = movable.window
    canvas = window.stage.canvas
    window.actions_by_name["move_plane"].trigger()
    found = panel(movable, "motion")
    assert isinstance(found, MotionPanel)
    assert found.by_hand.isChecked()
    side = canvas._place().width()
    start = QPoint(canvas.width() // 2, canvas.height() // 2)
    there = start + QPoint(round(side / 4), 0)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(canvas, there)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=there)
    assert state(movable).motion.x == pytest.approx(0.25, abs=0.01)
    assert found.right.value == state(movable).motion.x
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Comma)
    assert state(movable).motion.rotation == 1.0
    assert movable.undo.count() == 2
    window.actions_by_name["reset_motion"].trigger()
    assert state(movable).motion == STILL
    for _ in range(3):
        movable.undo.undo()
    assert state(movable).motion == STILL
    settle(qtbot, movable)


def test_sections_and_actions_are_those_of_the_model(
    movable: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    sections, actions = movable.window.explore.sections, movable.window.actions_by_name
    assert not sections["motion"].isHidden()
    assert sections["noise"].isHidden()
    actions["move_plane"].setChecked(True)
    movable.library.use("blobs")
    settle(qtbot, movable)
    assert sections["motion"].isHidden()
    assert sections["classes"].isHidden()
    assert not sections["noise"].isHidden()
    assert not actions["show_motion"].isEnabled()
    assert not actions["move_plane"].isChecked()
    assert state(movable).classes == ()


# --- layers


def test_the_layer_viewer_follows_the_picture_when_it_rests(
    desk: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    desk.explore.set_seed(5)
    settle(qtbot, desk)
    assert studio.looked == []
    found = panel(desk, "layers")
    assert isinstance(found, LayersPanel)
    settle(qtbot, desk)
    assert found.pick.text() == "b8.conv"
    found.layer_chosen.emit("b16.conv")
    desk.explore.set_seed(6)
    settle(qtbot, desk)
    recipe, layer = studio.looked[-1]
    assert (state_of(recipe).base, layer) == (Seed(6), "b16.conv")
    before = len(studio.looked)
    desk.explore.set_psi(0.5)
    qtbot.wait(30)
    assert len(studio.looked) == before  # the hand is not off yet
    desk.explore.end_gesture()
    settle(qtbot, desk)
    assert len(studio.looked) == before + 1


def test_the_sheet_lies_on_the_canvas_until_escape(desk: Desk, qtbot: QtBot) -> None:
    found = panel(desk, "layers")
    assert isinstance(found, LayersPanel)
    settle(qtbot, desk)
    assert [found.sheet.tile_at(QPointF(x, 1)) for x in (1, found.sheet.width() - 2)] == [0, 2]
    QTest.mouseClick(found.sheet, Qt.MouseButton.LeftButton)
    assert desk.window.stage.over == "sheet"
    assert found.large.isChecked()
    desk.window.actions_by_name["canvas"].trigger()
    assert desk.window.stage.over == ""
    assert not found.large.isChecked()


# --- the card


def test_a_card_is_a_page_that_escape_closes(desk: Desk) -> None:
    desk.window.actions_by_name["model_card"].trigger()
    stage = desk.window.stage
    assert stage.over == "card"
    words = " ".join(item.text() for item in stage.card.findChildren(QLabel))
    assert "Portraits, StyleGAN2" in words
    assert "Gender presentation" in words
    desk.window.actions_by_name["canvas"].trigger()
    assert stage.over == ""


def test_a_card_tells_scores_licence_digests_and_effects() -> None:
    card = {
        "licence": "Apache-2.0",
        "data": {"set": "portraits", "rows": [0, 40000]},
        "scores": {
            "precision": 0.71239,
            "directions": {"rows": {"smile": {"change": {"smile": 0.5, "age": -0.2}}}},
        },
        "source": "a\u202ebad.pkl",
    }
    sha = "c" * 64
    info = ModelInfo("m", "M", "stylegan2", sha, 64, 8, 8, 4, 0, True, Path("/m"), card)
    smile = DirectionInfo("smile", "Smile", sha, sha, "named", -2, 2)
    kit = Kit(info, REF, (smile,), Anatomy("StyleGAN2", (4, 8)))
    tables = {table.title: table for table in card_tables(kit)}
    assert ("Data, rows", "0, 40\u202f000") in tables["Data and training"].rows
    assert ("Precision", "0.7124") in tables["Scores"].rows
    assert tables["Directions"].rows == (("Smile", "named", "-2 to 2", "+0.50", "0.20 (age)"),)
    assert tables["Licence"].rows == (("Licence", "Apache-2.0"),)
    assert ("Weights, SHA-256", sha) in tables["Digests"].rows
    assert ("Source file", "abad.pkl") in tables["Digests"].rows


# --- models that are not here


def test_a_missing_model_is_named_located_and_shown(
    desk: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    wanted = digest("extra")
    recipe = Recipe(Generate(ModelRef("extra", wanted), Truncate(Seed(9), 0.5)))
    desk.explore.paste_text(recipe.text())
    message = desk.window.stage.message
    assert wanted in message.text.replace("\u200b", "")
    assert message.action == LOCATE
    desk.window.model_found.emit(Path("wrong.pt"), wanted)
    settle(qtbot, desk)
    assert "other weights" in message.text
    assert message.action == LOCATE
    assert state(desk).model.name == MODEL
    desk.window.model_found.emit(Path("extra.pt"), wanted)
    qtbot.waitUntil(lambda: state(desk).model.sha256 == wanted, timeout=20_000)
    settle(qtbot, desk)
    assert recipe_of(state(desk)) == recipe
    desk.undo.undo()
    settle(qtbot, desk)
    assert state(desk).model.name == MODEL


def test_a_recipe_with_a_lost_direction_changes_nothing(
    desk: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    before = state(desk)
    studio.lost = {"d" * 64}
    latent = Move(Truncate(Seed(9), 0.5), "d" * 64, 1.0)
    desk.explore.paste_text(Recipe(Generate(before.model, latent)).text())
    assert state(desk) == before
    assert "direction is not here" in desk.window.stage.message.text
    other = Recipe(Generate(ModelRef("blobs", digest("other model")), latent))
    desk.explore.paste_text(other.text())
    settle(qtbot, desk)
    assert state(desk) == before


def test_models_used_last_come_first_where_there_are_many(
    make_desk: Callable[..., Desk], studio: FakeStudio, qtbot: QtBot
) -> None:
    studio.imported = ["one", "two", "three"]
    desk = make_desk(studio)
    for name in ("two", "blobs"):
        desk.library.use(name)
        settle(qtbot, desk)
    desk.window.top._fill()
    words = [action.text() for action in desk.window.top._models.actions() if action.text()]
    assert words[:4] == ["Used last", "Blobs  ·  64 px", "two  ·  64 px", words[3]]
    assert words[-2:] == ["Import a model…", "About this model"]
    assert desk.settings.recent_models[:2] == ("blobs", "two")


# --- small things


def test_the_palette_says_when_nothing_matches(desk: Desk) -> None:
    desk.window.open_palette()
    popup = desk.window.palette_popup
    popup._field.setText("zzzz")
    assert popup._nothing.isVisible()
    popup._field.setText("export")
    assert not popup._nothing.isVisible()
    popup._close()


def test_return_presses_a_focused_export_button(desk: Desk) -> None:
    buttons = desk.window.top.findChildren(QPushButton)
    export = next(button for button in buttons if button.text() == "Export")
    export.setFocus()
    QTest.keyClick(export, Qt.Key.Key_Return)
    assert desk.window.exporting


def test_closing_the_window_ends_the_worker(
    make_desk: Callable[..., Desk], studio: FakeStudio
) -> None:
    desk = make_desk(studio)
    desk.close()
    assert studio.stopped


def test_a_transform_is_shown_by_a_state_of_its_own() -> None:
    made = Generate(REF, Truncate(Seed(1), 0.7), ONE)
    for x, rotation in itertools.product((0.0, 0.5), (0.0, 10.0)):
        image = Transform(made, x, 0.0, rotation) if x or rotation else made
        assert recipe_of(state_of(Recipe(image))).image == image
