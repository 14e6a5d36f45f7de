"""What hands do that is easily got wrong: fields, sliders, keys, and going away half-way."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_studio import FakeStudio
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.facts import ExportRequest
from desktop.kit import START_SEED
from desktop.state import recipe_of
from desktop.widgets.pad import Pad
from desktop.widgets.slider_row import SliderRow
from engine.recipe import MAX_SEED, Seed

KEY = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


def row(desk: Desk, name: str) -> SliderRow:
    return next(found for found in desk.window.findChildren(SliderRow) if found.name == name)


def field(desk: Desk, name: str) -> QLineEdit:
    fields = desk.window.findChildren(QLineEdit)
    return next(found for found in fields if found.accessibleName() == name)


def activate(desk: Desk, qtbot: QtBot) -> None:
    desk.window.activateWindow()
    qtbot.waitUntil(desk.window.isActiveWindow, timeout=15_000)


def type_into(edit: QLineEdit, text: str, key: Qt.Key) -> None:
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, key)


# --- fields


def test_escape_gives_back_what_was_typed(desk: Desk, qtbot: QtBot) -> None:
    activate(desk, qtbot)
    smile = row(desk, "Smile")
    type_into(smile.number, "1.25", KEY.Key_Escape)
    assert (smile.value, smile.number.text()) == (0.0, "0.00")
    assert smile.number.hasFocus()
    QTest.keyClick(smile.number, KEY.Key_Escape)  # nothing to give back: to the canvas
    assert desk.window.stage.canvas.hasFocus()
    assert desk.undo.count() == 0


@pytest.mark.parametrize("text", [str(MAX_SEED + 1), "9999999999"])
def test_a_seed_that_is_none_is_marked_and_never_shown_as_one(
    desk: Desk, qtbot: QtBot, text: str
) -> None:
    activate(desk, qtbot)
    seed = field(desk, "Seed")
    before = seed.text()
    type_into(seed, text, KEY.Key_Return)
    assert seed.property("wrong")
    QTest.keyClick(seed, KEY.Key_Tab)
    assert (seed.text(), seed.property("wrong")) == (before, False)
    assert desk.undo.count() == 0


def test_leaving_the_seed_takes_it_and_escape_gives_it_back(desk: Desk, qtbot: QtBot) -> None:
    activate(desk, qtbot)
    seed = field(desk, "Seed")
    type_into(seed, "77", KEY.Key_Tab)
    assert desk.explore.state is not None
    assert desk.explore.state.base == Seed(77)
    type_into(seed, "78", KEY.Key_Escape)
    assert (seed.text(), desk.explore.state.base) == ("77", Seed(77))
    QTest.keyClick(seed, KEY.Key_Up)
    assert (seed.text(), desk.explore.state.base) == ("78", Seed(78))


# --- sliders


def drag(widget: QWidget, start: QPoint, distance: int) -> None:
    QTest.mousePress(widget, LEFT, pos=start)
    for x in range(0, distance + 1, 10):
        QTest.mouseMove(widget, start + QPoint(x, 0))
    QTest.mouseMove(widget, start + QPoint(distance, 0))
    QTest.mouseRelease(widget, LEFT, pos=start + QPoint(distance, 0))


def test_a_drag_goes_on_past_the_end_as_far_as_the_mathematics_allows(
    desk: Desk, qtbot: QtBot
) -> None:
    smile, psi = row(desk, "Smile"), row(desk, "Psi")
    middle = smile.slider.rect().center()
    drag(smile.slider, middle, smile.slider.width())
    assert 4 < smile.value < 12
    assert desk.undo.count() == 1
    beyond = smile.value
    QTest.keyClick(smile.slider, KEY.Key_Right)
    assert smile.value == pytest.approx(beyond + 0.05)
    QTest.keyClick(smile.slider, KEY.Key_End)
    assert smile.value == 3
    drag(psi.slider, psi.slider.rect().center(), 20 * psi.slider.width())
    assert psi.value == 2


def double_click(widget: QWidget, at: QPoint) -> None:
    """As Qt delivers it: the first click arrives whole before the double-click does."""
    QTest.mouseClick(widget, LEFT, pos=at)
    where = QPointF(widget.mapToGlobal(at))
    QApplication.sendEvent(
        widget,
        QMouseEvent(
            QEvent.Type.MouseButtonDblClick,
            QPointF(at),
            where,
            LEFT,
            LEFT,
            Qt.KeyboardModifier.NoModifier,
        ),
    )
    QTest.mouseRelease(widget, LEFT, pos=at)


def test_a_double_click_on_a_slider_is_one_step_to_the_default(desk: Desk, qtbot: QtBot) -> None:
    smile = row(desk, "Smile")
    drag(smile.slider, smile.slider.rect().center(), 20)
    moved = smile.value
    assert moved != 0
    assert desk.undo.count() == 1
    double_click(smile.slider, QPoint(12, 11))
    qtbot.wait(500)
    assert (smile.value, desk.undo.count()) == (0, 2)
    desk.window.actions_by_name["undo"].trigger()
    assert smile.value == moved


def test_a_double_click_on_a_corner_is_one_step_to_its_seed(desk: Desk, qtbot: QtBot) -> None:
    pad = desk.window.explore.findChild(Pad)
    before = desk.explore.state
    assert before is not None
    double_click(pad, QPoint(pad.width() - 4, 4))
    qtbot.wait(500)
    assert desk.explore.state is not None
    assert (desk.explore.state.base, desk.undo.count()) == (Seed(START_SEED + 1), 1)
    desk.window.actions_by_name["undo"].trigger()
    assert desk.explore.state == before


def test_a_click_on_a_slider_is_a_gesture_too(desk: Desk, qtbot: QtBot) -> None:
    smile = row(desk, "Smile")
    QTest.mouseClick(smile.slider, LEFT, pos=QPoint(20, 11))
    qtbot.waitUntil(lambda: desk.undo.count() == 1, timeout=15_000)
    assert smile.value < 0


def test_redo_never_swallows_a_step_that_has_not_rested(desk: Desk, qtbot: QtBot) -> None:
    smile = row(desk, "Smile")
    desk.explore.set_seed(9)
    desk.window.actions_by_name["undo"].trigger()
    QTest.keyClick(smile.slider, KEY.Key_Right)
    desk.window.actions_by_name["redo"].trigger()
    assert smile.value == pytest.approx(0.05)
    desk.window.actions_by_name["undo"].trigger()
    assert smile.value == 0


# --- keys


def test_a_recipe_can_be_pasted_while_a_slider_has_the_focus(desk: Desk, qtbot: QtBot) -> None:
    activate(desk, qtbot)
    assert desk.explore.state is not None
    text = recipe_of(desk.explore.state).text()
    smile = row(desk, "Smile")
    smile.slider.setFocus()
    QGuiApplication.clipboard().setText(text.replace(f'"n": {START_SEED}', '"n": 31'))
    QTest.keyClick(smile.slider, KEY.Key_V, CTRL)
    assert desk.explore.state.base == Seed(31)


def test_text_keeps_the_keys_for_copying_and_pasting(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    activate(desk, qtbot)
    search = field(desk, "Search directions")
    search.setFocus()
    QGuiApplication.clipboard().setText("smile")
    QTest.keyClick(search, KEY.Key_V, CTRL)
    assert search.text() == "smile"
    search.setText("age")
    search.selectAll()
    QTest.keyClick(search, KEY.Key_C, CTRL)
    assert QGuiApplication.clipboard().text() == "age"
    desk.exports.export(ExportRequest(tmp_path / "one.png"))
    qtbot.waitUntil(desk.at_rest, timeout=15_000)
    desk.handlers.open_file(tmp_path / "one.png")
    qtbot.waitUntil(desk.at_rest, timeout=15_000)
    words = next(
        found
        for found in desk.window.verify.findChildren(QLabel)
        if found.isVisible()
        and found.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    )
    words.setFocus()
    words.setSelection(0, 4)
    QTest.keyClick(words, KEY.Key_C, CTRL)
    assert QGuiApplication.clipboard().text() == words.text()[:4]
    qtbot.waitUntil(desk.at_rest, timeout=15_000)
    assert list(studio.exported) == [tmp_path / "one.png"]
    assert desk.undo.count() == 0
    assert desk.window.stage.message.isHidden()


def test_control_and_return_export_from_anywhere_in_the_panel(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    activate(desk, qtbot)
    desk.window.show_export()
    for name in ("File", "Title"):
        path = tmp_path / f"{name}.png"
        field(desk, "File").setText(str(path))
        field(desk, name).setFocus()
        QTest.keyClick(field(desk, name), KEY.Key_Return, CTRL)
        qtbot.waitUntil(desk.at_rest, timeout=15_000)
        assert path in studio.exported
    assert len(studio.exported) == 2


def test_tab_goes_down_the_column_as_one_reads_it(desk: Desk, qtbot: QtBot) -> None:
    activate(desk, qtbot)
    desk.window.explore.open_section("noise")
    desk.window.explore.open_section("mixing")
    desk.window.explore.panels["truncation"]._flip()  # type: ignore[attr-defined]
    qtbot.waitUntil(desk.at_rest, timeout=15_000)
    field(desk, "Seed").setFocus()
    places: list[tuple[int, int]] = []
    inner = desk.window.explore.widget()
    while True:
        focused = QApplication.focusWidget()
        assert focused is not None
        if not inner.isAncestorOf(focused):
            break
        middle = focused.mapTo(inner, focused.rect().center())
        places.append((middle.y() // 8, middle.x()))
        QTest.keyClick(focused, KEY.Key_Tab)
    assert len(places) > 40
    assert places == sorted(places)
