"""The Attack page and the guided tour, on a Studio without an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fake_studio import FakeStudio
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.attack_state import (
    FORGED_ID,
    AttackState,
    first_state,
    is_attack,
    recipe_of,
    state_of,
    with_image,
    with_victim,
)
from desktop.views.attack_latent_panel import LatentPanel
from desktop.views.attack_method_panel import MethodPanel
from desktop.views.attack_result_panels import LookPanel, SurvivalPanel, TransferPanel
from desktop.views.attack_target_panel import TargetPanel
from engine.errors import RecipeError
from engine.perturbing import (
    Iterated,
    MarkReader,
    Perturb,
    Projected,
    Universal,
    photo_to_attack,
)
from engine.recipe import Generate, Photo, Recipe, Resize, Seed, Truncate


def _attack(desk: Desk, qtbot: QtBot) -> AttackState:
    desk.window.actions_by_name["page_attack"].trigger()
    qtbot.waitUntil(lambda: desk.attack.page.state is not None and desk.at_rest(), timeout=10_000)
    state = desk.attack.page.state
    assert state is not None
    return state


# --- the state


def test_every_state_has_one_recipe_and_every_recipe_its_state(studio: FakeStudio) -> None:
    infos = studio.attacks.victims()
    begun = first_state(Photo("a" * 64), infos)
    for state in (
        begun,
        replace(begun, method="iterated", steps=20, target=2),
        replace(begun, method="momentum", momentum=0.5),
        replace(begun, method="linf", transforms=("resize", "jpeg"), seed=3),
        replace(begun, method="l2", epsilon=1.5),
        replace(begun, method="universal", pattern="c" * 64),
    ):
        again = state_of(recipe_of(state))
        assert recipe_of(again) == recipe_of(state)
        assert again.method == state.method
    assert recipe_of(replace(begun, method="universal")) == Recipe(begun.image)


def test_what_attacks_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="got 'photo'"):
        state_of(Recipe(Photo("a" * 64)))


def test_what_an_export_adds_is_no_part_of_the_attack(studio: FakeStudio) -> None:
    recipe = recipe_of(first_state(Photo("a" * 64), studio.attacks.victims()))
    sized = Recipe(Resize(recipe.image, 512, 512))
    assert is_attack(sized)
    assert recipe_of(state_of(sized)) == recipe


def test_a_picture_brings_a_network_that_reads_it(studio: FakeStudio) -> None:
    infos = studio.attacks.victims()
    photo = first_state(Photo("a" * 64), infos)
    assert photo.question == "class"
    portrait = with_image(photo, Generate(studio.ref("blobs"), Seed(1)), infos)
    assert portrait.question == "smile"
    marked = with_victim(portrait, infos[-1])
    assert isinstance(with_image(marked, Photo("b" * 64), infos).victim, MarkReader)


def test_large_photos_are_attacked_at_the_size_of_an_export() -> None:
    assert photo_to_attack(Photo("a" * 64), 400, 300) == Photo("a" * 64)
    assert photo_to_attack(Photo("a" * 64), 2000, 1000) == Resize(Photo("a" * 64), 512, 256)


# --- the page


def test_the_page_attacks_the_picture_that_was_left(desk: Desk, qtbot: QtBot) -> None:
    explored = desk.explore.made(desk.explore.state)
    state = _attack(desk, qtbot)
    assert state.image == explored.image
    frame = desk.render.frame
    assert frame is not None
    assert frame.recipe == recipe_of(state)
    look = desk.window.attack.panels["look"]
    assert isinstance(look, LookPanel)
    assert look._verdict.text().startswith("Fooled: “smiling” became")


def test_a_drag_of_epsilon_is_live_and_one_step_of_undo(
    desk: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    before = _attack(desk, qtbot)
    panel = desk.window.attack.panels["method"]
    assert isinstance(panel, MethodPanel)
    studio.attacks.looked.clear()
    for epsilon in (6.0, 4.0, 1.0):
        panel.field_changed.emit("epsilon", epsilon)
    qtbot.waitUntil(lambda: any(live for _, live in studio.attacks.looked))
    panel.gesture_ended.emit()
    qtbot.waitUntil(desk.at_rest)
    assert desk.attack.page.state == replace(before, epsilon=1.0)
    assert studio.attacks.looked[-1] == (recipe_of(replace(before, epsilon=1.0)), False)
    desk.window.actions_by_name["undo"].trigger()
    assert desk.attack.page.state == before
    qtbot.waitUntil(desk.at_rest)


def test_every_control_can_be_undone(desk: Desk, qtbot: QtBot) -> None:
    before = _attack(desk, qtbot)
    target, method = desk.window.attack.panels["target"], desk.window.attack.panels["method"]
    assert isinstance(target, TargetPanel)
    assert isinstance(method, MethodPanel)
    for act in (
        lambda: target.question_chosen.emit("eyeglasses"),
        lambda: target.target_chosen.emit(1),
        lambda: target.victim_chosen.emit("watermark"),
        lambda: method._choose("momentum"),
        lambda: method._choose("l2"),
        lambda: method.transform_changed.emit("jpeg", True),
        lambda: desk.window.actions_by_name["random"].trigger(),
    ):
        act()
        assert desk.attack.page.state != before
        desk.window.actions_by_name["undo"].trigger()
        assert desk.attack.page.state == before
    qtbot.waitUntil(desk.at_rest)


def test_undo_beyond_the_attack_goes_back_to_explore(desk: Desk, qtbot: QtBot) -> None:
    desk.explore.set_psi(0.2)
    desk.explore.end_gesture()
    _attack(desk, qtbot)
    desk.window.actions_by_name["undo"].trigger()
    assert desk.window.page == "explore"
    qtbot.waitUntil(desk.at_rest)


def test_the_methods_say_what_they_are_in_the_recipe(desk: Desk, qtbot: QtBot) -> None:
    _attack(desk, qtbot)
    page = desk.attack.page
    page.set_field("method", "momentum")
    page.end_gesture()
    assert page.state is not None
    image = recipe_of(page.state).image
    assert isinstance(image, Perturb)
    assert image.attack == Iterated(10, 1.0)
    page.set_field("method", "l2")
    page.end_gesture()
    image = recipe_of(page.state).image
    assert isinstance(image, Perturb)
    assert image.attack == Projected("l2", 10)
    qtbot.waitUntil(desk.at_rest)


def test_a_network_that_is_not_installed_says_what_to_do(desk: Desk, qtbot: QtBot) -> None:
    before = _attack(desk, qtbot)
    told = []
    desk.attack.page.told.connect(told.append)
    desk.attack.page.use("lite1")
    assert desk.attack.page.state == before
    assert told[0].remedy == "Run: pip install lite1"


def test_the_mark_is_removed_or_written(desk: Desk, qtbot: QtBot) -> None:
    _attack(desk, qtbot)
    desk.attack.page.use("watermark")
    desk.attack.page.aim(0)
    assert desk.attack.page.state is not None
    assert desk.attack.page.state.target == FORGED_ID
    desk.attack.page.aim(None)
    assert desk.attack.page.state.target is None
    qtbot.waitUntil(desk.at_rest)


def test_a_dropped_photo_is_attacked_on_this_page(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    _attack(desk, qtbot)
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"x")
    desk.handlers.open_file(photo)
    qtbot.waitUntil(lambda: desk.attack.page.state.is_photo and desk.at_rest(), timeout=10_000)
    assert desk.window.page == "attack"
    assert desk.attack.page.state.question == "class"


def test_tables_are_made_while_somebody_looks(desk: Desk, studio: FakeStudio, qtbot: QtBot) -> None:
    _attack(desk, qtbot)
    assert not studio.attacks.reported
    for key, kind in (("transfer", TransferPanel), ("survival", SurvivalPanel)):
        desk.window.attack.open_section(key)
        qtbot.waitUntil(lambda: bool(studio.attacks.reported) and desk.at_rest())
        panel = desk.window.attack.panels[key]
        assert isinstance(panel, kind)
    survival = desk.window.attack.panels["survival"]
    assert isinstance(survival, SurvivalPanel)
    assert survival._hint.text() == "The attack outlives 2 of 3 kinds of damage."


def test_a_universal_pattern_becomes_the_attack(desk: Desk, qtbot: QtBot) -> None:
    _attack(desk, qtbot)
    desk.attack.page.set_field("method", "universal")
    desk.attack.page.end_gesture()
    panel = desk.window.attack.panels["method"]
    assert isinstance(panel, MethodPanel)
    panel.pattern_wanted.emit()
    qtbot.waitUntil(lambda: bool(desk.attack.page.state.pattern) and desk.at_rest())
    image = recipe_of(desk.attack.page.state).image
    assert isinstance(image, Perturb)
    assert image.attack == Universal("a" * 64)


def test_a_move_in_w_is_told_and_opens_on_explore(desk: Desk, qtbot: QtBot) -> None:
    _attack(desk, qtbot)
    desk.window.attack.open_section("latent")
    panel = desk.window.attack.panels["latent"]
    assert isinstance(panel, LatentPanel)
    panel._submit()
    qtbot.waitUntil(lambda: panel._take.isVisible(), timeout=10_000)
    assert "the network was fooled" in panel._words.text()
    panel.take_wanted.emit()
    assert desk.window.page == "explore"
    qtbot.waitUntil(desk.at_rest)


def test_an_attacked_picture_opens_on_the_attack_page(desk: Desk, qtbot: QtBot) -> None:
    made = Generate(desk.studio.ref("portraits-stylegan2"), Truncate(Seed(5), 0.7))
    recipe = recipe_of(first_state(made, desk.studio.attacks.victims()))
    desk.handlers.load(recipe, "Restore from a picture")
    qtbot.waitUntil(lambda: desk.attack.page.state is not None and desk.at_rest(), timeout=10_000)
    assert desk.window.page == "attack"
    assert recipe_of(desk.attack.page.state) == recipe
    desk.window.rail.page_chosen.emit("explore")
    qtbot.waitUntil(desk.at_rest)
    assert desk.render.frame.recipe == desk.explore.made(desk.explore.state)


# --- the tour


def test_the_tour_opens_pages_with_their_pictures_and_is_taken_up_again(
    desk: Desk, qtbot: QtBot
) -> None:
    bar, actions = desk.window.tour, desk.window.actions_by_name
    assert bar.isHidden()
    actions["tour"].trigger()
    qtbot.waitUntil(lambda: not bar.isHidden() and desk.at_rest(), timeout=10_000)
    assert bar._where.text() == "1 of 3"
    assert desk.window.explore.sections["mixing"].is_open
    bar.next_wanted.emit()
    assert desk.window.exporting
    bar.next_wanted.emit()
    qtbot.waitUntil(lambda: desk.attack.page.state is not None and desk.at_rest(), timeout=10_000)
    assert desk.window.page == "attack"
    assert not desk.window.exporting
    bar.leave_wanted.emit()
    assert bar.isHidden()
    desk.tour.welcome()
    assert desk.window.stage.welcome._tour.text() == "Go on with the tour"
    desk.window.stage.welcome.tour_wanted.emit()
    assert desk.window.stage.welcome.isHidden()
    assert bar._where.text() == "3 of 3"
    bar.next_wanted.emit()
    assert bar.isHidden()
    assert not desk.tour.tour.begun
    qtbot.waitUntil(desk.at_rest)


def test_the_welcome_card_comes_once_by_itself(
    make_desk: Callable[..., Desk], studio: FakeStudio, qtbot: QtBot
) -> None:
    desk = make_desk(studio)
    card = desk.window.stage.welcome
    assert card.isHidden()
    desk.settings.set_text("welcomed", "")
    desk.tour.first_start()
    assert card.isVisible()
    card.closed.emit()
    assert card.isHidden()
    desk.tour.first_start()
    assert card.isHidden()
    desk.window.actions_by_name["welcome"].trigger()
    assert card.isVisible()
    desk.settings.set_text("welcomed", "")
    card.closed.emit()
