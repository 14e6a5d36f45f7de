"""A window on the fake Studio, opened and closed for each test that asks for one."""

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
from desktop.app import Desk
from desktop.garbage import Sweeper
from desktop.settings import Settings


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
    for desk in desks:
        desk.window.close()
        desk.close()
        desk.window.deleteLater()
        desk.deleteLater()
    QApplication.processEvents()


@pytest.fixture
def desk(make_desk: Callable[..., Desk], studio: FakeStudio) -> Desk:
    return make_desk(studio)
