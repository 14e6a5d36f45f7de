"""What leaves by hand: signed files on the clipboard and out of drags."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_studio import FakeStudio
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QDrag, QGuiApplication, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.controllers.hand_out import HandOut
from desktop.messages import Message
from desktop.widgets.recipe_drag import DROP
from engine.errors import ExportError
from engine.frame import ExportOptions, Receipt
from engine.recipe import Generate, Recipe, Seed, Truncate
from engine.studio import Studio
from tests.random_model import NAME, write_random_model


@pytest.fixture
def real(tmp_path: Path) -> Studio:
    """The real engine with a small model."""
    (tmp_path / "home" / "models").mkdir(parents=True)
    write_random_model(tmp_path / "home" / "models")
    return Studio(tmp_path / "home")


def test_a_picture_pulled_out_of_the_window_is_a_signed_file(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[list[QUrl]] = []

    def drop_elsewhere(drag: QDrag, *_: object) -> None:
        assert not studio.exported  # nothing is made before somebody asks
        taken.append(drag.mimeData().urls())

    monkeypatch.setattr(QDrag, "exec", drop_elsewhere)
    canvas = desk.window.stage.canvas
    middle = canvas.rect().center()
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    for step in (4, 30):
        QTest.mouseMove(canvas, middle + QPoint(step, 0))
    path = Path(taken[0][0].toLocalFile())
    assert studio.exported[path] == desk.hand.recipe
    assert path.is_file()


def test_pictures_of_the_tray_take_a_signed_file_along(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = desk.window.tray.history._data_of
    assert data is not None
    visit = desk.history.state.visits[0]
    carried = data(visit.recipe)
    assert bytes(carried.data(DROP).data()).decode() == visit.recipe.text()
    assert not studio.exported
    (url,) = carried.urls()
    assert studio.exported[Path(url.toLocalFile())] == visit.recipe
    again = data(visit.recipe).urls()
    assert again == [url]
    assert len(studio.exported) == 1


def test_what_leaves_by_hand_leaves_as_the_export_panel_says(
    desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ExportOptions] = []
    export = desk.studio.export

    def noted(recipe: Recipe, path: Path, options: ExportOptions, *more: object) -> Receipt:
        asked.append(options)
        return export(recipe, path, options, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.studio, "export", noted)
    panel = desk.window.export
    panel._tier._buttons["commitment"].click()
    panel.signing._authority.setText("http://stamps.example")
    panel._title.setText("For one picture alone")
    desk.hand.copy_picture()
    qtbot.waitUntil(lambda: desk.hand.lane.idle, timeout=15_000)
    (options,) = asked
    assert (options.tier, options.time_authority) == ("commitment", "http://stamps.example")
    assert (options.size_px, options.title) == (512, "")
    assert desk.edit.movement._options == options


def test_a_drop_that_cannot_be_served_gives_nothing_and_says_why(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Receipt:
        raise ExportError("The disk is full.", "Free some space.")

    monkeypatch.setattr(studio, "export", refused)
    recipe = desk.hand.recipe
    assert recipe is not None
    assert desk.hand.data_of(recipe).urls() == []
    assert "disk is full" in desk.window.stage.message.text


def test_copies_of_the_real_studio_verify(real: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    """The file, the PNG on the clipboard and the marked pixels, each by itself."""
    hand = HandOut(real)
    told: list[Message] = []
    hand.told.connect(told.append)
    hand.set_options(ExportOptions(size_px=256))
    hand.follow(Recipe(Generate(real.ref(NAME), Truncate(Seed(3), 0.7))), False)
    hand.copy_picture()
    qtbot.waitUntil(lambda: bool(told) and hand.lane.idle, timeout=110_000)
    data = QGuiApplication.clipboard().mimeData()
    file, png, bare = (tmp_path / name for name in ("file.png", "clipboard.png", "pixels.png"))
    file.write_bytes(Path(data.urls()[0].toLocalFile()).read_bytes())
    png.write_bytes(data.data("image/png").data())
    image = data.imageData()
    assert isinstance(image, QImage)
    assert image.save(str(bare))
    assert [real.verify(path).verdict for path in (file, png, bare)] == ["own", "own", "none"]
    found = real.verify(bare)
    assert found.watermark is not None
    assert found.ledger is not None
    assert found.ledger.by == "watermark"
    hand.close()
    left = QGuiApplication.clipboard().mimeData()
    assert left is None or not left.urls()
