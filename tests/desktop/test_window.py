"""The window as people meet it: pages, keys, names, messages, sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_studio import MODEL_SHA, FakeStudio
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QFont, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QLabel,
    QLineEdit,
    QScrollBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from desktop import theme
from desktop.app import Desk, take_screenshot
from desktop.controllers.passphrase import PassphraseBroker
from desktop.facts import ExportRequest
from desktop.kit import START_SEED
from desktop.lanes import Job
from desktop.state import recipe_of
from desktop.views.canvas import Canvas
from desktop.widgets.mix_grid import MixGrid
from desktop.widgets.pad import Pad
from desktop.widgets.slider_row import SliderRow
from engine.errors import Cancelled
from engine.recipe import Recipe, Seed

KEY = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def press(desk: Desk, key: Qt.Key, modifiers: Qt.KeyboardModifier | None = None) -> None:
    widget = QApplication.focusWidget() or desk.window
    QTest.keyClick(widget, key, modifiers or Qt.KeyboardModifier.NoModifier)


def type_text(text: str) -> None:
    widget = QApplication.focusWidget()
    assert widget is not None
    QTest.keyClicks(widget, text)


def settle(qtbot: QtBot, desk: Desk) -> None:
    qtbot.waitUntil(desk.at_rest, timeout=20_000)
    qtbot.wait(20)


def recipe_text(desk: Desk) -> str:
    assert desk.explore.state is not None
    return recipe_of(desk.explore.state).text()


def stages(desk: Desk) -> Iterator[str]:
    """Brings every part of the window to the front, one after the other."""
    for key in ("seed", "directions", "truncation", "mixing", "noise"):
        desk.window.explore.open_section(key)
        yield key
    desk.window.show_export()
    yield "export"
    desk.window.show_page("verify")
    yield "verify"
    desk.window.show_page("train")
    yield "train"
    desk.window.show_page("explore")


def shown(desk: Desk, kind: type[QWidget]) -> list[QWidget]:
    return [widget for widget in desk.window.findChildren(kind) if widget.isVisible()]


# --- text in and out


def test_a_bad_recipe_is_told_inline_and_changes_nothing(desk: Desk, qtbot: QtBot) -> None:
    before = desk.explore.state
    text = recipe_text(desk).replace('"psi": 0.7', '"psi": 7.5')
    QGuiApplication.clipboard().setText(text)
    desk.window.stage.canvas.setFocus()
    press(desk, KEY.Key_V, CTRL)
    message = desk.window.stage.message
    assert message.isVisible()
    assert "psi must lie in [-2, 2], got 7.5" in message.text
    assert desk.explore.state is before
    assert desk.undo.count() == 0


@pytest.mark.parametrize("text", ["", "hello", "{}", '{"recipe":1,"image":{"op":"nothing"}}'])
def test_what_is_no_recipe_is_refused(desk: Desk, text: str) -> None:
    before = desk.explore.state
    desk.explore.paste_text(text)
    assert desk.window.stage.message.isVisible()
    assert desk.explore.state is before


def test_a_recipe_goes_out_and_comes_back_as_text(desk: Desk, qtbot: QtBot) -> None:
    desk.explore.set_seed(4242)
    settle(qtbot, desk)
    desk.window.actions_by_name["copy_recipe"].trigger()
    text = QGuiApplication.clipboard().text()
    assert Recipe.from_json(text) == recipe_of(desk.explore.state)  # type: ignore[arg-type]
    desk.explore.set_seed(1)
    desk.explore.paste_text(text)
    assert desk.explore.state.base == Seed(4242)  # type: ignore[union-attr]


def test_a_recipe_of_an_absent_model_says_so(desk: Desk, qtbot: QtBot) -> None:
    before = desk.explore.state
    desk.explore.paste_text(recipe_text(desk).replace(MODEL_SHA, "f" * 64))
    assert "is not on this machine" in desk.window.stage.message.text
    assert desk.explore.state is before


def test_copying_the_picture_makes_a_signed_file(
    desk: Desk, qtbot: QtBot, studio: FakeStudio
) -> None:
    desk.window.actions_by_name["copy"].trigger()
    qtbot.waitUntil(lambda: desk.hand.lane.idle, timeout=15_000)
    data = QGuiApplication.clipboard().mimeData()
    path = Path(data.urls()[0].toLocalFile())
    assert path in studio.exported
    assert data.data("image/png").data() == path.read_bytes()


def test_untrusted_words_are_never_markup(desk: Desk) -> None:
    for label in desk.window.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText or not label.text().startswith("<")
    desk.explore.paste_text('{"recipe": "<b>bold</b>"}')
    title = desk.window.stage.message.findChildren(QLabel)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in title)


# --- keys


def test_everything_can_be_done_by_keyboard(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    desk.window.activateWindow()
    qtbot.waitUntil(desk.window.isActiveWindow, timeout=15_000)
    desk.window.stage.canvas.setFocus()
    seed = desk.explore.state.base  # type: ignore[union-attr]
    press(desk, KEY.Key_R)
    assert desk.explore.state.base != seed  # type: ignore[union-attr]
    press(desk, KEY.Key_Z, CTRL)
    assert desk.explore.state.base == seed  # type: ignore[union-attr]
    press(desk, KEY.Key_Z, CTRL | SHIFT)
    assert desk.explore.state.base != seed  # type: ignore[union-attr]
    press(desk, KEY.Key_G, CTRL)
    type_text("123")
    press(desk, KEY.Key_Return)
    assert desk.explore.state.base == Seed(123)  # type: ignore[union-attr]
    desk.window.explore.findChild(Pad).setFocus()
    press(desk, KEY.Key_Right)
    press(desk, KEY.Key_Down)
    assert desk.explore.state.base != Seed(123)  # type: ignore[union-attr]
    press(desk, KEY.Key_Home)
    assert desk.explore.state.base == Seed(123)  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: desk.undo.count() > 0, timeout=15_000)
    smile = next(r for r in desk.window.findChildren(SliderRow) if r.name == "Smile")
    smile.slider.setFocus()
    press(desk, KEY.Key_Right)
    press(desk, KEY.Key_Right, SHIFT)
    assert smile.value == pytest.approx(0.055)
    press(desk, KEY.Key_Delete)
    assert smile.value == 0
    smile.number.setFocus()
    type_text("7,5")
    press(desk, KEY.Key_Return)
    assert smile.value == 7.5  # beyond the slider's end, by typing
    press(desk, KEY.Key_K, CTRL)
    type_text("style mix")
    press(desk, KEY.Key_Return)
    grid = desk.window.findChild(MixGrid)
    assert grid.isVisible()
    grid.setFocus()
    press(desk, KEY.Key_Down)
    press(desk, KEY.Key_Return)
    assert len(desk.explore.state.mixes) == 1  # type: ignore[union-attr]
    press(desk, KEY.Key_E, CTRL)
    field = next(f for f in desk.window.findChildren(QLineEdit) if f.accessibleName() == "File")
    field.setFocus()
    field.selectAll()
    type_text(str(tmp_path / "by_keyboard.png"))
    press(desk, KEY.Key_Return)
    qtbot.waitUntil(lambda: (tmp_path / "by_keyboard.png").exists(), timeout=15_000)
    press(desk, KEY.Key_Escape)
    assert not desk.window.exporting
    press(desk, KEY.Key_2, CTRL)
    assert desk.window.page == "edit"
    press(desk, KEY.Key_3, CTRL)
    assert desk.window.page == "diffuse"
    press(desk, KEY.Key_4, CTRL)
    assert desk.window.page == "verify"
    press(desk, KEY.Key_5, CTRL)
    assert desk.window.page == "train"
    press(desk, KEY.Key_1, CTRL)
    assert desk.window.page == "explore"


def test_tab_reaches_every_control(desk: Desk, qtbot: QtBot) -> None:
    desk.window.activateWindow()
    qtbot.waitUntil(desk.window.isActiveWindow, timeout=15_000)
    wanted = {
        widget
        for kind in (QAbstractButton, QLineEdit, QAbstractSlider, Pad, Canvas, QAbstractItemView)
        for widget in shown(desk, kind)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isEnabled()
    }
    desk.window.stage.canvas.setFocus()
    seen: set[QWidget] = set()
    for _ in range(3 * len(wanted)):
        widget = QApplication.focusWidget()
        assert widget is not None
        if widget in seen and widget is desk.window.stage.canvas:
            break
        seen.add(widget)
        press(desk, KEY.Key_Tab)
    missing = [f"{type(w).__name__} {w.accessibleName()}" for w in wanted - seen]
    exclusive = [
        name
        for name in missing
        if any(
            word in name
            for word in ("Explore", "Edit", "Diffuse", "Verify", "Train", "Attack", ":")
        )
    ]
    assert sorted(missing) == sorted(exclusive)  # of exclusive buttons Tab visits the chosen one


# --- names, sizes, colours


def test_every_control_has_a_name_and_a_tooltip(desk: Desk, qtbot: QtBot) -> None:
    kinds = (QAbstractButton, QLineEdit, QAbstractSlider, QAbstractItemView, Pad, MixGrid)
    for stage in stages(desk):
        for kind in kinds:
            for widget in shown(desk, kind):
                if isinstance(widget, QScrollBar):
                    continue
                what = f"{stage}: {type(widget).__name__} {widget.accessibleName()!r}"
                assert widget.accessibleName(), what
                assert widget.toolTip(), what
    for canvas in desk.window.findChildren(Canvas):
        assert canvas.accessibleName()
        assert canvas.accessibleDescription()


def clipped(desk: Desk) -> list[str]:
    """Words that do not fit where they stand, and controls that stick out of the window."""
    found = []
    for label in shown(desk, QLabel):
        assert isinstance(label, QLabel)
        wide = label.fontMetrics().horizontalAdvance(label.text())
        if not label.wordWrap() and wide > label.contentsRect().width() + 1:
            found.append(f"label {label.text()!r}: {wide} in {label.width()}")
        if label.wordWrap() and label.heightForWidth(label.width()) > label.height() + 2:
            found.append(f"label {label.text()!r} is too low")
    for button in shown(desk, QAbstractButton):
        assert isinstance(button, QAbstractButton)
        wide = button.fontMetrics().horizontalAdvance(button.text())
        if button.text() and wide > button.width():
            found.append(f"button {button.text()!r}: {wide} in {button.width()}")
    for widget in (desk.window.top, desk.window.status, desk.window.rail, desk.window.tray):
        right = widget.mapTo(desk.window, QPoint(widget.width(), 0)).x()
        if widget.isVisible() and right > desk.window.width():
            found.append(f"{widget.objectName()} ends at {right}")
    for column in (desk.window.explore, desk.window.verify, desk.window.export):
        wanted, there = column.widget().width(), column.viewport().width()
        if column.isVisible() and wanted > there:
            found.append(f"{column.accessibleName()} wants {wanted} px, has {there}")
    return found


@pytest.mark.parametrize("longer", [100, 133], ids=["as it is", "a third longer"])
def test_nothing_is_clipped_at_1280_by_720(
    make_desk: Callable[..., Desk], studio: FakeStudio, qtbot: QtBot, longer: int
) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    desk = make_desk(studio, (1280, 720))
    font = QFont(app.font())
    font.setLetterSpacing(QFont.SpacingType.PercentageSpacing, longer)
    app.setFont(font)
    try:
        desk.explore.set_strength((desk.explore.kit.directions[0].sha256, None), 1.5)  # type: ignore[union-attr]
        desk.matrix.take(0, 1)
        settle(qtbot, desk)
        qtbot.wait(300)
        for stage in stages(desk):
            qtbot.wait(10)
            assert (desk.window.width(), desk.window.height()) == (1280, 720), stage
            assert clipped(desk) == [], stage
    finally:
        app.setFont(QFont())
        theme.prepare(app)


@pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_text_meets_the_contrast_of_wcag_aa(colours: theme.Colours) -> None:
    grounds = (colours.window, colours.panel, colours.raised)
    for ink in (colours.text, colours.muted):
        assert min(theme.contrast(ink, ground) for ground in grounds) >= 4.5
    for ink in (colours.good, colours.warn, colours.bad):
        assert min(theme.contrast(ink, g) for g in (colours.window, colours.panel)) >= 4.5
    assert theme.contrast(colours.text, colours.hover) >= 4.5
    assert theme.contrast(colours.on_accent, colours.accent) >= 4.5
    assert theme.contrast(colours.accent, colours.accent_soft) >= 4.5
    assert theme.contrast(colours.text, colours.accent_soft) >= 4.5
    for edge in (colours.accent, colours.edge):  # focus rings and borders that mean something
        assert min(theme.contrast(edge, ground) for ground in grounds) >= 3


def test_contrast_of_black_on_white_is_21() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)


def test_the_theme_can_be_chosen_and_is_remembered(desk: Desk) -> None:
    for key, colours in (("theme_light", theme.LIGHT), ("theme_dark", theme.DARK)):
        desk.window.actions_by_name[key].trigger()
        assert theme.current() == colours
    assert desk.settings.theme == "dark"


def test_a_screenshot_shows_the_real_window(studio: FakeStudio, tmp_path: Path) -> None:
    path = take_screenshot(studio, tmp_path / "window.png", (1280, 720))  # type: ignore[arg-type]
    image = QImage(str(path))
    assert (image.width(), image.height()) == (1280, 720)
    colours = {image.pixel(x, 300) for x in range(100, 900, 8)}
    assert len(colours) > 20


def test_the_passphrase_is_asked_in_the_panel(desk: Desk, qtbot: QtBot) -> None:
    broker = desk.passphrase
    assert isinstance(broker, PassphraseBroker)
    answers: list[tuple[str | None, str | None]] = []
    desk.jobs.finished.connect(lambda job, result: answers.append(result))
    desk.jobs.submit(Job("ask", "", lambda progress, token: (broker(), broker())))
    qtbot.waitUntil(
        lambda: any(
            f.isVisible() and "Passphrase" in f.accessibleName()
            for f in desk.window.findChildren(QLineEdit)
        ),
        timeout=15_000,
    )
    type_text("secret")
    press(desk, KEY.Key_Return)
    type_text("secre")
    press(desk, KEY.Key_Return)
    assert answers == []  # the two differ
    type_text("t")
    press(desk, KEY.Key_Return)
    qtbot.waitUntil(lambda: answers == [("secret", "secret")], timeout=15_000)


def test_work_that_waits_for_a_passphrase_can_be_stopped(desk: Desk, qtbot: QtBot) -> None:
    failed: list[BaseException] = []
    desk.jobs.failed.connect(lambda job, error: failed.append(error))
    desk.jobs.submit(Job("ask", "", lambda progress, token: desk.passphrase()))
    qtbot.waitUntil(lambda: desk.window.export._ask.isVisible(), timeout=15_000)
    desk.window.export.cancel_wanted.emit()
    qtbot.waitUntil(lambda: bool(failed), timeout=15_000)
    assert isinstance(failed[0], Cancelled)


def test_dropping_a_file_opens_what_it_is(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    desk.exports.export(ExportRequest(picture))
    qtbot.waitUntil(lambda: desk.jobs.idle, timeout=15_000)
    recipe = tmp_path / "recipe.json"
    recipe.write_text(recipe_text(desk).replace(f'"n": {START_SEED}', '"n": 31'))
    desk.handlers.open_file(picture)
    qtbot.waitUntil(lambda: desk.verify.verdict is not None, timeout=15_000)
    assert desk.window.page == "verify"
    desk.handlers.open_file(recipe)
    qtbot.waitUntil(lambda: desk.explore.state.base == Seed(31), timeout=15_000)  # type: ignore[union-attr]
    assert QUrl.fromLocalFile(str(picture)).isLocalFile()
