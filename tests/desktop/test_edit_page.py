"""The Edit page by hand: marks, sums, one's own picture, points, films, the strip, favourites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pathlib import Path as Path_

import pytest
from fake_studio import FakeStudio
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.controllers.arithmetic import SumState, sum_recipe
from desktop.controllers.dragging import kept_points
from desktop.controllers.strip import StripState, mixes_of, painted
from desktop.display import apart, shown
from desktop.facts import MOST_SUMMED, Visit
from desktop.squares import Square
from desktop.state import MixSetting, MoveSetting, in_order, recipe_of, state_of
from desktop.views.tray import matches
from engine.errors import RecipeError
from engine.recipe import Arithmetic, Computed, Generate, Photo, Recipe, Seed, Truncate, walk

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def panel(desk: Desk, key: str) -> QWidget:
    desk.window.show_page("edit")
    desk.window.edit.open_section(key)
    return desk.window.edit.panels[key]


def press(parent: QWidget, words: str) -> None:
    button = next(b for b in parent.findChildren(QPushButton) if b.text() == words)
    assert button.isEnabled()
    button.click()


def here(desk: Desk) -> Recipe:
    assert desk.explore.state is not None
    return recipe_of(desk.explore.state)


def test_marks_teach_a_direction_that_gets_a_slider(
    desk: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    find = panel(desk, "find")
    qtbot.waitUntil(lambda: len(desk.edit.finding._recipes) == 24, timeout=10_000)
    picture = here(desk)
    for index in range(8):
        button = LEFT if index % 2 else Qt.MouseButton.RightButton
        place = find.grid.place_of(index).center().toPoint()  # type: ignore[attr-defined]
        QTest.mouseClick(find.grid, button, NONE, place)  # type: ignore[attr-defined]
    assert sorted(desk.edit.finding.marks.values()) == [-1] * 4 + [1] * 4
    press(find, "Learn")
    qtbot.waitUntil(lambda: desk.edit.idle, timeout=10_000)
    assert len(studio.edit.wishes[0].marks) == 8
    qtbot.waitUntil(lambda: desk.explore.kit.directions[-1].method == "labels", timeout=10_000)
    assert here(desk) == picture
    key = (desk.explore.kit.directions[-1].sha256, None)
    assert key in desk.window.explore.panels["directions"].rows  # type: ignore[attr-defined]


def test_too_few_marks_are_told_where_they_are_made(desk: Desk, qtbot: QtBot) -> None:
    find = panel(desk, "find")
    press(find, "Learn")
    qtbot.waitUntil(lambda: "Mark at least 3" in find.message.text, timeout=10_000)  # type: ignore[attr-defined]


def test_the_table_sorts_and_its_rows_can_be_taken_away(
    desk: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    find = panel(desk, "find")
    find.ways.set_key("sefa")  # type: ignore[attr-defined]
    find._show_way("sefa")  # type: ignore[attr-defined]
    press(find, "Find")
    qtbot.waitUntil(lambda: desk.explore.kit.directions[-1].method == "sefa", timeout=10_000)
    effects = panel(desk, "effects")
    row = next(r for r in effects.table._rows if r.name == "Sefa")  # type: ignore[attr-defined]
    effects.table.chosen.emit(row.key)  # type: ignore[attr-defined]
    effects._remove()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: desk.explore.kit.directions[-1].method != "sefa", timeout=10_000)
    assert studio.edit.removed == ["sefa"]


def test_a_sum_of_pictures_is_a_picture(desk: Desk, qtbot: QtBot) -> None:
    sums = panel(desk, "arithmetic")
    pad = sums.pad  # type: ignore[attr-defined]
    for seed, row in ((1, 0), (2, 0), (3, 1), (4, 2)):
        desk.explore.set_seed(seed)
        count = len(desk.edit.arithmetic.state.rows[row])
        QTest.mouseClick(pad, LEFT, NONE, pad.place_of((row, count)).center().toPoint())
    rows = desk.edit.arithmetic.state.rows
    assert [len(row) for row in rows] == [2, 1, 1]
    press(sums, "Show A − B + C")
    base = desk.explore.state.base
    assert isinstance(base, Arithmetic)
    assert [term.weight for term in base.terms] == [1.0, -1.0, 1.0]
    place = pad.place_of((2, 0)).center().toPoint()
    QTest.mousePress(pad, LEFT, NONE, pad.place_of((0, 0)).center().toPoint())
    QTest.mouseMove(pad, QPoint(place.x() - 10, place.y() - 10))
    QTest.mouseMove(pad, place)
    QTest.mouseRelease(pad, LEFT, NONE, place)
    assert desk.edit.arithmetic.state.rows[2][0] == rows[0][0]
    desk.undo.undo()
    assert desk.edit.arithmetic.state.rows == rows


def test_a_full_row_of_the_pad_goes_on_below(desk: Desk) -> None:
    sums = panel(desk, "arithmetic")
    pad = sums.pad  # type: ignore[attr-defined]
    low, first = pad.heightForWidth(300), pad.place_of((1, 0))
    for seed in range(MOST_SUMMED):
        desk.explore.set_seed(seed)
        QTest.mouseClick(pad, LEFT, NONE, pad.place_of((0, seed)).center().toPoint())
    rows = desk.edit.arithmetic.state.rows
    assert [len(row) for row in rows] == [MOST_SUMMED, 0, 0]
    assert pad.place_of((0, 5)).top() > pad.place_of((0, 4)).bottom()
    assert pad.place_of((1, 0)).top() > first.top()
    assert pad.heightForWidth(300) > low
    pad.add_wanted.emit(0)
    assert desk.edit.arithmetic.state.rows == rows  # there is no room for more


def test_a_sum_in_z_needs_pictures_from_z(desk: Desk) -> None:
    state = desk.explore.state
    moved = recipe_of(state_of(here(desk)))
    made = sum_recipe(SumState(((moved,), (), (moved,)), 1.0, "z"), state).image
    assert isinstance(made, Generate)
    assert isinstance(made.latent, Truncate)
    assert isinstance(made.latent.base, Arithmetic)  # as far from the origin as one picture
    assert [term.weight for term in made.latent.base.terms] == [0.5, 0.5]
    found = Computed("invert", "a" * 64, "w")
    inverted = Recipe(Generate(state.model, found))
    with pytest.raises(RecipeError, match="no z"):
        sum_recipe(SumState(((inverted,), (), ()), 1.0, "z"), state)
    with pytest.raises(RecipeError, match="A or C"):
        sum_recipe(SumState(), state)


def test_a_photo_is_cut_searched_for_and_shown(
    desk: Desk, studio: FakeStudio, qtbot: QtBot, tmp_path: Path
) -> None:
    photo = panel(desk, "photo")
    desk.handlers.open_file(tmp_path / "me.png")
    qtbot.waitUntil(lambda: desk.edit.photo.state.photo is not None, timeout=10_000)
    desk.edit.photo.set_square(Square(28, 24, 40))
    press(photo, "Find its latent")
    qtbot.waitUntil(lambda: desk.edit.idle and desk.at_rest(), timeout=10_000)
    target = studio.edit.searches[0].target.image
    assert (target.left, target.top, target.width) == (8, 4, 40)  # type: ignore[attr-defined]
    assert any(isinstance(node, Photo) for node in walk(here(desk).image))
    assert "31.0 dB" in photo.message.text  # type: ignore[attr-defined]
    desk.undo.undo()
    assert not any(isinstance(node, Photo) for node in walk(here(desk).image))


def test_a_search_can_be_stopped_and_taken_up_again(
    desk: Desk, studio: FakeStudio, qtbot: QtBot, tmp_path: Path
) -> None:
    photo = panel(desk, "photo")
    desk.handlers.open_file(tmp_path / "me.png")
    qtbot.waitUntil(lambda: desk.edit.photo.state.photo is not None, timeout=10_000)
    studio.edit.steps, studio.edit.delay_s = 400, 0.02
    press(photo, "Find its latent")
    qtbot.waitUntil(lambda: desk.edit.searches.running is not None, timeout=10_000)
    press(photo, "Stop")
    qtbot.waitUntil(lambda: desk.edit.idle, timeout=10_000)
    studio.edit.steps = 2
    press(photo, "Go on")
    qtbot.waitUntil(lambda: desk.edit.idle and len(studio.edit.searches) == 2, timeout=10_000)
    assert studio.edit.searches[1].resume


def test_points_are_pulled_dragged_and_undone(desk: Desk, studio: FakeStudio, qtbot: QtBot) -> None:
    drag = panel(desk, "drag")
    canvas = desk.window.stage.canvas
    view = canvas._view()

    def at(x: float, y: float) -> QPoint:
        return view.to_canvas(QPointF(x * 64, y * 64)).toPoint()

    QTest.mousePress(canvas, LEFT, NONE, at(0.4, 0.5))
    QTest.mouseMove(canvas, at(0.5, 0.5))
    QTest.mouseMove(canvas, at(0.6, 0.5))
    QTest.mouseRelease(canvas, LEFT, NONE, at(0.6, 0.5))
    points = desk.edit.drag.points
    assert points.handles[0] == pytest.approx((0.4, 0.5), abs=0.02)
    assert points.targets[0] == pytest.approx((0.6, 0.5), abs=0.02)
    before = here(desk)
    press(drag, "Drag")
    qtbot.waitUntil(lambda: desk.edit.idle and desk.edit.drag._drag is not None, timeout=10_000)
    after = here(desk)
    assert kept_points(after).targets == points.targets  # type: ignore[union-attr]
    drag.steps.value_changed.emit(2)  # type: ignore[attr-defined]
    drag.steps.gesture_ended.emit()  # type: ignore[attr-defined]
    assert here(desk) not in (before, after)
    desk.undo.undo()
    assert here(desk) == after
    desk.undo.undo()
    assert here(desk) == before
    desk.undo.undo()
    assert desk.edit.drag.points.handles == ()


def test_outside_its_section_the_canvas_has_no_points(desk: Desk) -> None:
    panel(desk, "drag")
    assert desk.window.stage.canvas._overlay is desk.edit.points
    desk.window.show_page("explore")
    assert desk.window.stage.canvas._overlay is None


def test_a_film_of_keys_is_played_evened_out_and_exported(
    desk: Desk, studio: FakeStudio, qtbot: QtBot, tmp_path: Path
) -> None:
    film = panel(desk, "movement")
    for seed in (1, 2, 3):
        desk.explore.set_seed(seed)
        press(film, "Add key")
    path = desk.edit.movement.state.path
    assert path is not None
    assert [key.time_s for key in path.keys] == [0.0, 1.5, 3.0]
    film.timeline.key_moved.emit(1, 1.0)  # type: ignore[attr-defined]
    film.timeline.key_move_ended.emit()  # type: ignore[attr-defined]
    picture = here(desk)
    film.timeline.scrubbed.emit(0.5)  # type: ignore[attr-defined]
    assert here(desk) == picture
    press(film, "Take frame")
    assert here(desk) != picture
    desk.undo.undo()
    desk.undo.undo()
    assert desk.edit.movement.state.path.keys[1].time_s == 1.5  # type: ignore[union-attr]
    press(film, "Even out")
    qtbot.waitUntil(lambda: bool(desk.edit.movement.state.path.warp), timeout=10_000)  # type: ignore[union-attr]
    desk.edit.movement.export(tmp_path / "film.mp4")
    qtbot.waitUntil(lambda: "Exported film.mp4" in film.message.text, timeout=10_000)  # type: ignore[attr-defined]
    assert studio.films == [desk.edit.movement.state.path]


def test_layers_are_painted_from_sources(desk: Desk, qtbot: QtBot) -> None:
    strip = panel(desk, "strip")
    cells = strip.strip  # type: ignore[attr-defined]
    press(strip, "Add random")
    press(strip, "Add random")
    QTest.mousePress(cells, LEFT, NONE, cells.place_of(0, 0).center().toPoint())
    for layer in range(1, 4):
        QTest.mouseMove(cells, cells.place_of(0, layer).center().toPoint())
    QTest.mouseRelease(cells, LEFT, NONE, cells.place_of(0, 3).center().toPoint())
    mixes = desk.explore.state.mixes
    assert [mix.layers for mix in mixes] == [(0, 1, 2, 3)]
    desk.edit.strip.flip_lock(1)
    QTest.mouseClick(cells, Qt.MouseButton.RightButton, NONE,
                     cells.place_of(0, 1).center().toPoint())  # fmt: skip
    assert desk.explore.state.mixes == mixes
    press(strip, "Shuffle")
    assert painted(desk.explore.state)[1] == painted(state_of(here(desk)))[1]
    shuffled, kept = desk.explore.state.mixes, desk.edit.strip.state
    source = kept.sources.index((shuffled[0].source, True))
    desk.edit.strip.remove(source)
    assert shuffled[0] not in desk.explore.state.mixes
    assert len(desk.edit.strip.state.sources) == len(kept.sources) - 1
    desk.undo.undo()  # the source and what was painted from it, in one step
    assert desk.explore.state.mixes == shuffled
    assert desk.edit.strip.state == kept
    while desk.undo.canUndo():
        desk.undo.undo()
    assert desk.explore.state.mixes == ()
    assert desk.edit.strip.state == StripState()


def test_what_is_painted_is_the_fewest_mixes() -> None:
    a, b = (Seed(1), True), (Seed(2), True)
    cells = {0: (a, 1.0), 2: (a, 1.0), 1: (b, 0.5)}
    assert mixes_of(cells) == (MixSetting(Seed(1), (0, 2), 1.0), MixSetting(Seed(2), (1,), 0.5))


def test_moves_stand_in_the_order_of_their_spaces(desk: Desk) -> None:
    moves = [
        MoveSetting("c" * 64, 1.0, None, "s"),
        MoveSetting("b" * 64, 1.0, (1,), "w"),
        MoveSetting("a" * 64, 1.0, None, "z"),
    ]
    from dataclasses import replace

    state = replace(desk.explore.state, moves=in_order(moves, ()))
    assert [move.space for move in state.moves] == ["z", "w", "s"]
    assert state_of(recipe_of(state)) == state


def test_favourites_outlive_the_window_and_are_found(
    make_desk: Callable[..., Desk], studio: FakeStudio, qtbot: QtBot
) -> None:
    desk = make_desk(studio)
    recipe = here(desk)
    desk.history.star_current()
    desk.history.rate(recipe, 4)
    desk.history.tag(recipe, ("kind", " eyes ", "kind"))
    qtbot.waitUntil(lambda: bool(studio.kept) and studio.kept[0].rating == 4, timeout=10_000)
    desk.window.close()
    again = make_desk(studio)
    qtbot.waitUntil(lambda: len(again.history.state.favourites) == 1, timeout=10_000)
    kept = again.history.state.favourites[0]
    assert (kept.recipe, kept.rating, kept.tags) == (recipe, 4, ("kind", "eyes"))
    again.window.tray._which.set_key("favourites")
    again.window.tray._search.setText("eyes 5*")
    assert again.window.tray.favourites.model().rowCount() == 0
    again.window.tray._search.setText("EYES 4*")
    assert again.window.tray.favourites.model().rowCount() == 1


def test_words_and_stars_find_favourites() -> None:
    visit = Visit(Recipe(Photo("a" * 64)), "Seed 7", "now", 3, ("red hair",))
    assert matches(visit, [])
    assert matches(visit, ["red", "seed", "3*"])
    assert not matches(visit, ["4*"])
    assert not matches(visit, ["blue"])


def test_pictures_are_compared_in_three_ways(desk: Desk, qtbot: QtBot) -> None:
    acts, canvas = desk.window.actions_by_name, desk.window.stage.canvas
    acts["pin"].trigger()
    desk.explore.set_seed(99)
    qtbot.waitUntil(desk.at_rest, timeout=10_000)
    assert canvas.wiping
    acts["side"].trigger()
    assert (canvas._beside, canvas.wiping, acts["wipe"].isChecked()) == ("side", False, False)
    acts["difference"].trigger()
    assert canvas._apart is not None
    acts["difference"].trigger()
    assert (canvas._beside, canvas._apart) == ("", None)


def test_the_difference_of_equal_pictures_is_black() -> None:
    import numpy as np

    a = shown(np.full((64, 64, 3), 90, np.uint8))
    assert not apart(a, a).buffers[0].any()
    b = shown(np.full((32, 32, 3), 100, np.uint8))
    assert (apart(a, b).buffers[0] == 40).all()


def test_some_layers_alone_walk_and_a_film_too_long_is_told(desk: Desk) -> None:
    film = panel(desk, "movement")
    for seed in (1, 2):
        desk.explore.set_seed(seed)
        press(film, "Add key")
    desk.edit.movement.set_setting("layers", "fine")
    path = desk.edit.movement.state.path
    assert path is not None
    assert (path.space, path.layers) == ("w", (8, 9))
    desk.edit.movement.set_setting("space", "z")
    assert desk.edit.movement.state.path.layers is None  # type: ignore[union-attr]
    desk.edit.movement.move_key(1, 3599.0)
    assert "20000 frames" in film.message.text  # type: ignore[attr-defined]
    assert desk.edit.movement.state.path.keys[1].time_s == 1.5  # type: ignore[union-attr]


def test_a_verified_film_comes_back_with_its_keys(desk: Desk) -> None:
    from desktop.facts import Inspection
    from engine.frame import Verdict
    from engine.path import Key, Path

    image = here(desk).image
    film = Path((Key(image, 0.0), Key(recipe_of(desk.explore.state).image, 2.0)))
    claim = {"film": film.canonical.decode()}
    verdict = Verdict(Path_("x.mp4"), "own", "", (), recipe=here(desk), claim=claim)
    desk.verify.inspected.emit(Inspection(verdict, None))
    desk.verify.restore_wanted.emit(here(desk))
    assert desk.edit.movement.state.path == film


def test_another_seed_leaves_the_tuned_weights(desk: Desk) -> None:
    from dataclasses import replace

    tuned = replace(desk.explore.state, delta="d" * 64)
    assert state_of(recipe_of(tuned)) == tuned
    desk.explore.do("Tune", tuned)
    desk.explore.set_seed(3)
    assert desk.explore.state.delta is None


def test_marks_can_be_undone(desk: Desk, qtbot: QtBot) -> None:
    panel(desk, "find")
    qtbot.waitUntil(lambda: len(desk.edit.finding._recipes) == 24, timeout=10_000)
    desk.edit.finding.mark(0, 1)
    desk.edit.finding.mark(0, 0)
    desk.undo.undo()
    assert list(desk.edit.finding.marks.values()) == [1]
    desk.undo.undo()
    assert desk.edit.finding.marks == {}


def test_one_walks_between_any_four_pictures(desk: Desk, qtbot: QtBot) -> None:
    corners = panel(desk, "corners")
    for index, words in enumerate(("Top left", "Top right", "Bottom left", "Bottom right")):
        desk.explore.set_seed(index + 10)
        press(corners, words)
    pad = corners.pad  # type: ignore[attr-defined]
    assert pad._walks
    qtbot.waitUntil(lambda: len(pad._tiles) == 24, timeout=10_000)
    pad.moved.emit(1.0, 0.0)
    assert here(desk) == desk.edit.corners.state.corners[1]
    pad.moved.emit(0.5, 0.5)
    pad.gesture_ended.emit()
    middle = here(desk)
    assert middle not in desk.edit.corners.state.corners
    desk.undo.undo()
    assert here(desk) == desk.edit.corners.state.corners[3]
