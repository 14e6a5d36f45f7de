"""ControlNets on the Diffuse page: a photo dropped, its edges, lines drawn, steps, and undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QByteArray, QMimeData, QPointF, QRectF, QUrl
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.diffuse_state import at_size, recipe_of, state_of
from desktop.views.canvas_overlay import View
from desktop.views.control_box import ControlBox, words_of
from desktop.views.guidance_panel import GuidancePanel
from desktop.widgets.recipe_drag import DROP
from engine.cancel import CancelToken
from engine.controlling import Control, Drawn, Edges, Pose
from engine.denoising import ClassifierFree, Dab, PerturbedAttention, PictureGuidance
from engine.provenance.origin import source_type
from engine.recipe import Crop, Generate, ModelRef, Photo, Recipe, Resize, Seed
from engine.services.import_other import import_other
from tests.desktop.test_drops import drop
from tests.engine.test_control_folder import write_control
from tests.engine.test_editing_folders import write_editor
from tests.random_pipeline import UNET, write_random_pipeline


@pytest.fixture
def desk(tmp_path: Path, qtbot: QtBot, open_desk: Callable[[Path], Desk]) -> Desk:
    write_random_pipeline(tmp_path / "tiny-sd")
    write_control(tmp_path / "tiny-edges", UNET)
    write_editor(tmp_path / "tiny-pix2pix", "InstructPix2Pix", 8)
    return on_diffuse(open_desk, tmp_path, ("tiny-sd", "tiny-edges", "tiny-pix2pix"), qtbot)


def on_diffuse(
    open_desk: Callable[[Path], Desk], parent: Path, names: tuple[str, ...], qtbot: QtBot
) -> Desk:
    """The window on the Diffuse page, with the models in these folders imported."""
    home = parent / "home"
    for name in names:
        import_other(home, parent / name, None, lambda progress: None, CancelToken())
    made = open_desk(home)
    made.window.actions_by_name["page_diffuse"].trigger()
    qtbot.waitUntil(lambda: made.diffuse.state is not None, timeout=60_000)
    return made


def press(panel: Any, words: str) -> None:
    next(b for b in panel.findChildren(QPushButton) if b.text() == words).click()


def term_of(desk: Desk) -> Control:
    state = desk.diffuse.state
    assert state is not None
    (term,) = (term for term in state.terms if isinstance(term, Control))
    return term


def test_a_control_net_follows_a_head_that_sliders_turn(desk: Desk) -> None:
    desk.diffuse.use("tiny-sd")
    panel = desk.window.diffuse.make("guidance")
    press(panel, "ControlNet")
    (box,) = panel.findChildren(ControlBox)
    before = term_of(desk)
    press(box, "Pose")
    assert term_of(desk).image == Pose(16)
    box._turns[0]._entered(0.5)
    box._turns[2]._entered(-0.25)
    assert term_of(desk).image == Pose(16, 0.5, 0.0, -0.25)
    box._away._entered(2.5)
    assert term_of(desk).guidance == 2.5
    assert words_of(term_of(desk)) == "Follows a head that is turned."
    assert not box._turns[0].isHidden()
    assert box._how.isHidden()
    recipe = desk.diffuse.recipe
    assert recipe is not None
    assert state_of(recipe) == desk.diffuse.state
    while term_of(desk) != before:
        desk.undo.undo()
    assert box._turns[0].isHidden()


def test_a_control_net_follows_a_dropped_photo_and_lines_and_all_comes_back_by_undo(
    desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    desk.diffuse.use("tiny-sd")
    desk.diffuse.set_field("steps", 2)
    desk.diffuse.end_gesture()
    before = desk.diffuse.state
    panel = desk.window.diffuse.make("guidance")
    assert isinstance(panel, GuidancePanel)
    press(panel, "ControlNet")
    assert term_of(desk).image == Drawn(16)
    (box,) = panel.findChildren(ControlBox)
    Image.new("RGB", (40, 20), (200, 80, 40)).save(tmp_path / "wide.png")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "wide.png"))])
    assert drop(box, QPointF(9, 9), data)
    qtbot.waitUntil(lambda: isinstance(term_of(desk).image, Edges), timeout=60_000)
    assert words_of(term_of(desk)) == "Follows the edges of a photo."
    box._how._buttons["whole"].click()
    assert isinstance(term_of(desk).image, Resize)
    box._how._buttons["edges"].click()
    box._steep._entered(90.0)
    image = term_of(desk).image
    assert isinstance(image, Edges)
    assert (image.low, image.high) == (45.0, 90.0)
    box._scale._entered(0.5)
    box._end._entered(0.4)
    assert (term_of(desk).scale, term_of(desk).end) == (0.5, 0.4)
    recipe = desk.diffuse.recipe
    assert recipe is not None
    assert state_of(recipe) == desk.diffuse.state
    assert source_type(recipe) == "compositeWithTrainedAlgorithmicMedia"
    assert desk.studio.render(recipe).pixels.shape == (16, 16, 3)
    press(box, "Draw")
    canvas = desk.window.stage.canvas
    assert canvas._overlay is desk.control.lines
    box._brush._entered(10.0)
    for spot in ((0.2, 0.5), (0.6, 0.5), (0.9, 0.5)):
        desk.control.draw(spot, False)
    desk.control.draw((0.9, 0.5), True)
    desk.diffuse.end_gesture()
    drawn = term_of(desk).image
    assert isinstance(drawn, Drawn)
    assert [dab.x for dab in drawn.dabs] == [0.2, 0.6]
    assert words_of(term_of(desk)) == "Follows lines drawn by hand."
    recipe = desk.diffuse.recipe
    assert recipe is not None
    assert source_type(recipe) == "trainedAlgorithmicMedia"
    assert desk.studio.render(Recipe(drawn)).pixels[8, 3].tolist() == [255] * 3
    desk.undo.undo()
    assert isinstance(term_of(desk).image, Edges)
    while desk.diffuse.state != before:
        desk.undo.undo()
    assert canvas._overlay is not desk.control.lines
    desk.close()


def test_another_model_keeps_what_it_can_have(desk: Desk) -> None:
    desk.diffuse.use("tiny-sd")
    panel = desk.window.diffuse.make("guidance")
    assert isinstance(panel, GuidancePanel)
    press(panel, "ControlNet")
    desk.diffuse.use("tiny-pix2pix")
    assert term_of(desk).image == Drawn(16)
    assert panel._seen.isVisibleTo(panel)
    press(panel, "Picture")
    state = desk.diffuse.state
    assert state is not None
    assert state.terms[-1] == PictureGuidance(1.5)
    assert state_of(recipe_of(state)) == state
    panel._boxes[-1]._scale._entered(2.0)
    assert desk.diffuse.state is not None
    assert desk.diffuse.state.terms[-1].scale == 2.0
    assert not panel._seen.isEnabled()
    desk.diffuse.use("portraits-ddpm")
    kinds = [type(term) for term in desk.diffuse.state.terms]
    assert kinds == [ClassifierFree, PerturbedAttention]  # which suits that model
    assert not panel._followed.isVisibleTo(panel)
    desk.close()


def test_a_picture_of_this_program_is_followed_where_it_is_dropped(
    desk: Desk, qtbot: QtBot
) -> None:
    desk.diffuse.use("tiny-sd")
    panel = desk.window.diffuse.make("guidance")
    press(panel, "ControlNet")
    (box,) = panel.findChildren(ControlBox)
    model = next(info for info in desk.studio.models() if info.resolution == 32)
    face = Generate(ModelRef(model.name, model.sha256), Seed(3))
    data = QMimeData()
    data.setData(DROP, QByteArray(Recipe(face).text().encode()))
    assert drop(box, QPointF(9, 9), data)
    qtbot.waitUntil(lambda: isinstance(term_of(desk).image, Edges), timeout=60_000)
    assert term_of(desk).image == Edges(Resize(face, 16, 16))
    assert words_of(term_of(desk)) == "Follows the edges of a generated picture."
    desk.close()


def test_a_photo_that_cannot_be_read_is_told(desk: Desk, tmp_path: Path, qtbot: QtBot) -> None:
    desk.diffuse.use("tiny-sd")
    with qtbot.waitSignal(desk.control.page.told, timeout=60_000) as heard:
        desk.control.page.open(0, tmp_path / "missing.png")
    assert "missing.png" in str(heard.args)
    desk.close()


def test_pictures_to_follow_are_brought_to_a_models_size() -> None:
    photo = Photo("a" * 64)
    square = Crop(photo, 0, 0, 20, 20)
    edges = Edges(Resize(square, 16, 16), 10, 20)
    assert at_size(edges, 32) == replace(edges, image=Resize(square, 32, 32))
    assert at_size(square, 32) == Resize(square, 32, 32)
    lines = Drawn(16, (Dab(0.5, 0.5, 0.1),))
    assert at_size(lines, 64) == replace(lines, side=64)
    term = Control(ModelRef("net", "b" * 64), lines)
    assert words_of(term) == "Follows lines drawn by hand."


def test_lines_are_painted_white_on_the_canvas(desk: Desk) -> None:
    desk.control.lines.show_mask(((0.5, 0.5, 0.2),))
    image = QImage(60, 60, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    desk.control.lines.paint(painter, View(QRectF(0, 0, 60, 60), (16, 16)))
    painter.end()
    grey = np.array([[image.pixelColor(x, y).red() for x in range(60)] for y in range(60)])
    assert grey[30, 30] == 255
    assert grey[2, 2] < 60
    desk.close()
