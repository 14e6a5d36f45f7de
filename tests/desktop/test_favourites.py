"""Favourites in the tray: rated and tagged where they are, searched, and back by undo."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.widgets.star_row import SIDE_PX, StarRow

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def test_stars_by_hand_and_by_keys(qtbot: QtBot) -> None:
    row = StarRow("Rating")
    qtbot.addWidget(row)
    heard: list[int] = []
    row.rated.connect(heard.append)
    third = QPoint(2 * SIDE_PX + 5, 12)
    QTest.mouseClick(row, LEFT, NONE, third)
    QTest.mouseClick(row, LEFT, NONE, third)  # the last one again: none
    for key in ("4", "x", "0"):
        QTest.keyClicks(row, key)
    QTest.keyClick(row, Qt.Key.Key_Left)
    QTest.keyClick(row, Qt.Key.Key_Right)
    assert heard == [3, 0, 4, 0, 1]
    assert "1 stars" in row.accessibleName()


def test_a_favourite_is_rated_and_tagged_where_it_lies(desk: Desk, qtbot: QtBot) -> None:
    tray, history = desk.window.tray, desk.history
    history.star_current()
    tray._which.set_key("favourites")
    tray._choose("favourites")
    assert tray._stars.isEnabled()  # the canvas's own, before any has the focus
    tray.favourites.setCurrentIndex(tray.favourites.model().index(0, 0))
    QTest.keyClicks(tray.favourites, "4")
    assert history.state.favourites[0].rating == 4
    tray._tags.setFocus()
    tray._tags.clear()
    QTest.keyClicks(tray._tags, "red hair, smile")
    QTest.keyClick(tray._tags, Qt.Key.Key_Return)
    assert history.state.favourites[0].tags == ("red hair", "smile")
    tray._stars.rated.emit(2)
    assert [v.rating for v in history.state.favourites] == [2]
    for _ in range(3):
        desk.undo.undo()
    assert (history.state.favourites[0].rating, history.state.favourites[0].tags) == (0, ())
    desk.undo.undo()
    assert not tray._stars.isEnabled()


def test_a_search_without_a_find_says_so(desk: Desk) -> None:
    tray = desk.window.tray
    desk.history.star_current()
    tray._which.set_key("favourites")
    tray._choose("favourites")
    tray._search.setText("no such word")
    assert tray._count.text() == "0 of 1 picture"
    assert tray._pages.currentWidget() is tray._empty
    assert "words and stars" in tray._empty.text()
    tray._search.setText("")
    assert tray._pages.currentWidget() is tray.favourites
