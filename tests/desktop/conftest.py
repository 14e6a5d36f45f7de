"""Windows on the fake Studio and on the real one, closed after each test that opens them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent))

from fake_studio import FakeStudio
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop import theme
from desktop.app import Desk, build
from desktop.garbage import Sweeper
from desktop.settings import Settings
from engine.studio import Studio


@pytest.fixture(scope="session", autouse=True)
def sweeper(qapp: QApplication) -> Sweeper:
    """As in the program: garbage is collected between events."""
    return Sweeper(qapp)


@pytest.fixture
def studio(tmp_path: Path) -> FakeStudio:
    return FakeStudio(tmp_path)


@pytest.fixture
def make_desk(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Opens a window on a Studio and waits for its first picture."""
    desks: list[Desk] = []

    def make(studio: FakeStudio, size: tuple[int, int] = (1280, 720)) -> Desk:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.prepare(app)
        settings = Settings(tmp_path / "window.ini")
        settings.set_text("welcomed", "yes")  # else the card would take the first focus
        desk = Desk(studio, settings)
        desks.append(desk)
        desk.start(size)
        # Only a window that hangs takes as long as this; a busy machine took more than 20 s.
        qtbot.waitUntil(lambda: desk.shows_picture() and desk.at_rest(), timeout=100_000)
        return desk

    yield make
    _shut(desks)


@pytest.fixture
def open_desk(qtbot: QtBot) -> Iterator[Callable[[Path], Desk]]:
    """Opens a window on the real Studio that keeps its files in a folder."""
    desks: list[Desk] = []

    def open_in(home: Path) -> Desk:
        desk = build(Studio(home), home)
        desks.append(desk)
        desk.start()
        return desk

    yield open_in
    _shut(desks)


def _shut(desks: list[Desk]) -> None:
    """A window that is left open dies after Qt has, in a segmentation fault."""
    for desk in desks:
        desk.window.close()
        desk.close()
        desk.window.deleteLater()
        desk.deleteLater()
    QApplication.processEvents()


@pytest.fixture
def desk(make_desk: Callable[..., Desk], studio: FakeStudio) -> Desk:
    return make_desk(studio)
