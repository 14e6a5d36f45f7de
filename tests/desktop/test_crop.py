"""The square on one's own picture: by hand, by keys, by the panel, by the network; and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_studio import FakeStudio
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.squares import Square, allowed, beyond, corner, cut, drawn_to, largest, turned
from engine.recipe import Crop, Photo, Straighten

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
PHOTO = Photo("a" * 64)


@pytest.fixture
def cropping(desk: Desk, qtbot: QtBot, tmp_path: Path) -> tuple[Desk, QWidget]:
    """The desk with a picture open, and the panel."""
    desk.window.show_page("edit")
    desk.window.edit.open_section("photo")
    desk.handlers.open_file(tmp_path / "me.png")
    qtbot.waitUntil(lambda: desk.edit.photo.state.photo is not None, timeout=10_000)
    kit = desk.explore.kit
    assert kit is not None
    portraits = {"data": {"set": "portraits"}}
    desk.edit.photo.set_kit(replace(kit, info=replace(kit.info, card=portraits)))
    return desk, desk.window.edit.panels["photo"]


def drag(desk: Desk, start: QPointF, end: QPointF) -> None:
    canvas = desk.window.stage.source
    QTest.mousePress(canvas, LEFT, NONE, start.toPoint())
    for share in (0.3, 0.7, 1.0):
        QTest.mouseMove(canvas, (start + (end - start) * share).toPoint())
    QTest.mouseRelease(canvas, LEFT, NONE, end.toPoint())


def test_the_handle_turns_the_square_and_undo_brings_it_back(
    cropping: tuple[Desk, QWidget],
) -> None:
    desk, panel = cropping
    view = desk.window.stage.source._view()
    before = desk.edit.photo.state.square
    knob, middle = desk.edit.crop.knob(view), desk.edit.crop._middle(view)
    drag(desk, knob, QPointF(middle.x() - (middle.y() - knob.y()), middle.y()))
    turn = desk.edit.photo.state.square.rotation
    assert turn == pytest.approx(90, abs=3)
    assert panel.rotation.value == turn  # type: ignore[attr-defined]
    target = desk.edit.photo.target()
    assert target is not None
    assert isinstance(target.image, Straighten)
    assert target.image.rotation == pytest.approx(turn)
    desk.undo.undo()
    assert desk.edit.photo.state.square == before
    desk.undo.redo()
    assert desk.edit.photo.state.square.rotation == turn


def test_a_corner_of_a_turned_square_leaves_the_opposite_one(
    cropping: tuple[Desk, QWidget],
) -> None:
    desk, _ = cropping
    desk.edit.photo.set_square(Square(32, 32, 24, 30.0))
    desk.edit.photo.end_gesture()
    view = desk.window.stage.source._view()
    far = corner(desk.edit.photo.state.square, -1, -1)
    here = desk.edit.crop._corner(view, 1, 1)
    dx, dy = turned(40.0, 40.0, 30.0)
    drag(desk, here, here + QPointF(dx, dy))
    square = desk.edit.photo.state.square
    assert square.side > 26
    assert corner(square, -1, -1) == pytest.approx(far, abs=0.2)
    desk.undo.undo()
    assert desk.edit.photo.state.square == Square(32, 32, 24, 30.0)


def test_keys_turn_move_and_size(cropping: tuple[Desk, QWidget]) -> None:
    desk, _ = cropping
    desk.edit.photo.set_square(Square(32, 32, 24, 0.0))
    desk.edit.photo.end_gesture()
    canvas = desk.window.stage.source
    canvas.setFocus()
    for key in (Qt.Key.Key_Comma, Qt.Key.Key_Comma, Qt.Key.Key_Period):
        QTest.keyClick(canvas, key)
    assert desk.edit.photo.state.square.rotation == 2.0
    QTest.keyClick(canvas, Qt.Key.Key_Less, Qt.KeyboardModifier.ShiftModifier)
    assert desk.edit.photo.state.square.rotation == pytest.approx(2.2)
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    square = desk.edit.photo.state.square
    assert square.side > 24
    assert square.x == 33.0
    desk.undo.undo()
    assert desk.edit.photo.state.square == replace(square, x=32.0)


def test_the_panel_turns_by_slider_and_by_quarters(cropping: tuple[Desk, QWidget]) -> None:
    desk, panel = cropping
    panel.rotation._entered(-17.5)  # type: ignore[attr-defined]
    assert desk.edit.photo.state.square.rotation == -17.5
    panel.turned.emit(90.0)  # type: ignore[attr-defined]
    assert desk.edit.photo.state.square.rotation == 72.5
    panel.widen_wanted.emit()  # type: ignore[attr-defined]
    assert desk.edit.photo.state.square == largest(desk.edit.photo.state.size)
    for _ in range(3):
        desk.undo.undo()
    assert desk.edit.photo.state.square == largest(desk.edit.photo.state.size)


def align(desk: Desk, panel: QWidget, qtbot: QtBot) -> None:
    button = next(b for b in panel.findChildren(QPushButton) if b.text() == "Align the face")
    assert button.isEnabled()
    button.click()
    qtbot.waitUntil(lambda: desk.edit.idle, timeout=10_000)


def test_a_face_that_is_found_takes_the_square_and_can_be_undone(
    cropping: tuple[Desk, QWidget], qtbot: QtBot
) -> None:
    desk, panel = cropping
    before = desk.edit.photo.state.square
    align(desk, panel, qtbot)
    assert desk.edit.photo.state.square == Square(30.0, 28.0, 40.0, 12.0)
    assert "was found" in panel.message.text  # type: ignore[attr-defined]
    desk.undo.undo()
    assert desk.edit.photo.state.square == before


def test_a_face_that_is_unsure_leaves_the_square_and_says_so(
    cropping: tuple[Desk, QWidget], studio: FakeStudio, qtbot: QtBot
) -> None:
    desk, panel = cropping
    before = desk.edit.photo.state.square
    studio.edit.alignment = replace(studio.edit.alignment, sure=False)
    align(desk, panel, qtbot)
    assert desk.edit.photo.state.square == before
    assert "Not sure" in panel.message.text  # type: ignore[attr-defined]


def test_models_of_other_pictures_align_nothing(
    cropping: tuple[Desk, QWidget],
) -> None:
    desk, panel = cropping
    kit = desk.explore.kit
    assert kit is not None
    desk.edit.photo.set_kit(replace(kit, info=replace(kit.info, card={})))
    button = next(b for b in panel.findChildren(QPushButton) if b.text() == "Align the face")
    assert not button.isEnabled()
    assert "by hand" in button.toolTip()


def test_opening_another_picture_can_be_undone(
    cropping: tuple[Desk, QWidget], qtbot: QtBot, tmp_path: Path
) -> None:
    desk, _ = cropping
    first = desk.edit.photo.state.photo
    desk.handlers.open_file(tmp_path / "you.png")
    qtbot.waitUntil(lambda: desk.edit.photo.state.photo is not first, timeout=10_000)
    desk.undo.undo()
    assert desk.edit.photo.state.photo is first


squares = st.builds(
    Square, st.floats(-50, 150), st.floats(-50, 150), st.floats(0, 400), st.floats(-400, 400)
)


@given(squares)
def test_an_allowed_square_can_be_rendered(square: Square) -> None:
    size = (100, 60)
    kept = allowed(square, size)
    assert allowed(kept, size) == kept
    image = cut(PHOTO, kept, size)
    if kept.rotation == 0:
        assert not beyond(kept, size)
        assert not isinstance(image, Straighten)
        if isinstance(image, Crop):
            assert image.left + image.width <= 100
            assert image.top + image.height <= 60
    else:
        assert isinstance(image, Straighten)


@given(st.floats(-180, 180), st.floats(5, 60), st.floats(5, 60))
def test_drawing_a_corner_to_where_it_is_changes_nothing(turn: float, x: float, y: float) -> None:
    square = Square(x, y, 20.0, turn)
    for across, down in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        same = drawn_to(square, across, down, *corner(square, across, down))
        assert (same.x, same.y, same.side) == pytest.approx((x, y, 20.0))
