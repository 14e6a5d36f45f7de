"""Pictures dragged between panels by hand: every source to every place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_studio import FakeStudio
from PySide6.QtCore import QByteArray, QMimeData, QPointF, Qt
from PySide6.QtGui import QDrag, QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.state import recipe_of, state_of
from desktop.widgets.place_button import PlaceButton
from desktop.widgets.recipe_drag import DROP
from engine.recipe import Generate, Recipe, Seed

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> list[QMimeData]:
    """What drags carried; nobody waits for a hand here."""
    found: list[QMimeData] = []

    def exec_(drag: QDrag, *_: Any) -> Qt.DropAction:
        copy = QMimeData()
        copy.setData(DROP, QByteArray(drag.mimeData().data(DROP).data()))
        found.append(copy)
        return Qt.DropAction.CopyAction

    monkeypatch.setattr(QDrag, "exec", exec_)
    return found


def pull(widget: QWidget, start: QPointF, end: QPointF) -> None:
    """Press, and move in a few steps; a drag swallows the release."""
    QTest.mousePress(widget, LEFT, NONE, start.toPoint())
    for share in (0.2, 0.6, 1.0):
        point = (start + (end - start) * share).toPoint()
        from PySide6.QtGui import QMouseEvent

        event = QMouseEvent(
            QMouseEvent.Type.MouseMove, QPointF(point), widget.mapToGlobal(QPointF(point)),
            Qt.MouseButton.NoButton, LEFT, NONE,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)
    QTest.mouseRelease(widget, LEFT, NONE, end.toPoint())


def drop(widget: QWidget, at: QPointF, data: QMimeData) -> bool:
    """As Qt hands a drop on: entering, moving, letting go. Whether it was taken."""
    copy, actions = Qt.DropAction.CopyAction, Qt.DropAction.CopyAction
    entering = QDragEnterEvent(at.toPoint(), actions, data, LEFT, NONE)
    QApplication.sendEvent(widget, entering)
    moving = QDragMoveEvent(at.toPoint(), actions, data, LEFT, NONE)
    moving.setAccepted(entering.isAccepted())
    QApplication.sendEvent(widget, moving)
    if not (entering.isAccepted() and moving.isAccepted()):
        return False
    dropping = QDropEvent(at, actions, data, LEFT, NONE)
    dropping.setDropAction(copy)
    QApplication.sendEvent(widget, dropping)
    return dropping.isAccepted()


def recipe_in(data: QMimeData) -> Recipe:
    return Recipe.from_json(data.data(DROP).data())


def panel(desk: Desk, page: str, key: str) -> Any:
    desk.window.show_page(page)
    column = desk.window.edit if page == "edit" else desk.window.explore
    column.open_section(key)
    QApplication.processEvents()
    return column.panels[key]


@pytest.fixture
def ready(
    make_desk: Callable[..., Desk], studio: FakeStudio, qtbot: QtBot
) -> tuple[Desk, QMimeData, Recipe]:
    """A desk with a history, and a picture of it as a drag carries it."""
    desk = make_desk(studio)
    desk.explore.set_seed(41)
    desk.explore.set_seed(42)
    qtbot.waitUntil(desk.at_rest, timeout=60_000)
    recipe = desk.history.state.visits[-2].recipe
    data = QMimeData()
    data.setData(DROP, QByteArray(recipe.text().encode()))
    return desk, data, recipe


def test_the_history_carries_its_recipes(
    ready: tuple[Desk, QMimeData, Recipe], carried: list[QMimeData]
) -> None:
    desk, _, recipe = ready
    strip = desk.window.tray.history
    view = strip.viewport()
    index = len(desk.history.state.visits) - 2
    start = QPointF(strip.visualRect(strip.model().index(index, 0)).center())
    pull(view, start, start + QPointF(0, -60))
    assert [recipe_in(data) for data in carried] == [recipe]


def test_corners_take_pictures_and_give_them_away(
    ready: tuple[Desk, QMimeData, Recipe], carried: list[QMimeData]
) -> None:
    desk, data, recipe = ready
    corners = panel(desk, "edit", "corners")
    pad = corners.pad
    assert drop(pad, QPointF(pad.width() * 0.9, pad.height() * 0.9), data)
    assert desk.edit.corners.state.corners == (None, None, None, recipe)
    first = corners.findChildren(PlaceButton)[0]
    assert drop(first, QPointF(5, 5), data)
    assert desk.edit.corners.state.corners[0] == recipe
    pull(first, QPointF(9, 9), QPointF(9, 60))
    assert [recipe_in(one) for one in carried] == [recipe]
    assert desk.edit.corners.state.corners[0] == recipe  # the drag was no click
    desk.undo.undo()
    desk.undo.undo()
    assert desk.edit.corners.state.corners == (None,) * 4


def test_sums_take_pictures_and_give_them_away(
    ready: tuple[Desk, QMimeData, Recipe], carried: list[QMimeData]
) -> None:
    desk, data, recipe = ready
    pad = panel(desk, "edit", "arithmetic").pad
    place = pad.place_of((1, 0)).center()
    assert drop(pad, place, data)
    assert desk.edit.arithmetic.state.rows[1] == (recipe,)
    pull(pad, place, QPointF(place.x(), -80))
    assert [recipe_in(one) for one in carried] == [recipe]
    assert desk.edit.arithmetic.state.rows[1] == (recipe,)


def test_the_timeline_takes_pictures_and_gives_them_away(
    ready: tuple[Desk, QMimeData, Recipe], carried: list[QMimeData]
) -> None:
    desk, data, recipe = ready
    line = panel(desk, "edit", "movement").timeline
    for _ in range(2):
        assert drop(line, QPointF(30, 30), data)
    path = desk.edit.movement.state.path
    assert path is not None
    assert [key.image for key in path.keys] == [recipe.image] * 2
    start = line.place_of(1).center()
    pull(line, start, start + QPointF(0, -120))
    assert [recipe_in(one) for one in carried] == [recipe]
    assert desk.edit.movement.state.path == path  # its time stayed


def test_the_matrix_takes_sources_and_gives_away_any_picture(
    ready: tuple[Desk, QMimeData, Recipe], carried: list[QMimeData], qtbot: QtBot
) -> None:
    desk, data, recipe = ready
    grid = panel(desk, "explore", "mixing").grid
    before = desk.matrix.state
    assert drop(grid, grid.place_of((-1, 2)).center(), data)
    assert drop(grid, grid.place_of((1, -1)).center(), data)
    state = desk.matrix.state
    assert state is not None
    assert state.styles[2] == state.bases[1] == state_of(recipe).base == Seed(41)
    assert not drop(grid, grid.place_of((0, 0)).center(), data)
    pull(grid, grid.place_of((2, 1)).center(), QPointF(-40, 10))
    pull(grid, grid.place_of((1, -1)).center(), QPointF(-40, 10))
    assert [recipe_in(one) for one in carried] == [
        desk.matrix._recipe((2, 1)), desk.matrix._recipe((1, -1)),
    ]  # fmt: skip
    assert desk.matrix.state == state  # no drag drew a new source
    desk.undo.undo()
    desk.undo.undo()
    assert desk.matrix.state == before


def test_the_matrix_says_what_it_leaves_behind_and_refuses_other_models(
    ready: tuple[Desk, QMimeData, Recipe],
) -> None:
    desk, _, recipe = ready
    told: list[Any] = []
    desk.matrix.told.connect(told.append)
    image = recipe.image
    assert isinstance(image, Generate)
    from dataclasses import replace

    from engine.recipe import Move

    moved = Recipe(replace(image, latent=Move(image.latent, "a" * 64, 2.0)))
    desk.matrix.drop(-1, 0, moved.text())
    assert "without its sliders" in told[-1].title
    other = Recipe(replace(image, model=replace(image.model, sha256="b" * 64, name="other")))
    state = desk.matrix.state
    desk.matrix.drop(-1, 0, other.text())
    assert "made by other" in told[-1].title
    assert desk.matrix.state == state
    desk.matrix.drop(-1, 0, "nonsense")
    assert desk.matrix.state == state


def test_the_mixing_strip_takes_pictures_as_sources(
    ready: tuple[Desk, QMimeData, Recipe],
) -> None:
    desk, data, _ = ready
    strip = panel(desk, "edit", "strip")
    assert drop(strip, QPointF(20, 20), data)
    assert desk.edit.strip.state.sources == ((Seed(41), True),)


def test_favourites_take_pictures_and_the_history_writes_itself(
    ready: tuple[Desk, QMimeData, Recipe],
) -> None:
    desk, data, recipe = ready
    tray = desk.window.tray
    assert not drop(tray, QPointF(tray.width() - 60, tray.height() - 20), data)
    assert desk.history.state.favourites == ()
    tab = tray._which.mapTo(tray, tray._which._buttons["favourites"].geometry().center())
    assert drop(tray, QPointF(tab), data)  # the tab opens under the hand
    assert drop(tray, QPointF(tray.width() - 60, tray.height() - 20), data)
    assert [visit.recipe for visit in desk.history.state.favourites] == [recipe]
    assert desk.history.state.favourites[0].label == "Seed 41"
    desk.undo.undo()
    assert desk.history.state.favourites == ()


def test_the_canvas_shows_what_is_dropped_on_it(
    ready: tuple[Desk, QMimeData, Recipe],
) -> None:
    desk, data, recipe = ready
    window = desk.window
    middle = window.stage.mapTo(window, window.stage.rect().center())
    assert drop(window, QPointF(middle), data)
    assert desk.explore.state is not None
    assert recipe_of(desk.explore.state) == recipe
    column = window.rail.mapTo(window, window.rail.rect().center())
    assert not drop(window, QPointF(column), data)
    desk.undo.undo()
    assert recipe_of(desk.explore.state) != recipe
