"""Variations on the Diffuse page: a blend with a dropped photo, a difference of texts, undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, QUrl
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.diffuse_state import state_of
from desktop.views.guidance_panel import GuidancePanel
from desktop.views.picture_term_box import DifferenceBox, LikenessBox
from engine.likening import Likeness, TextDifference
from engine.provenance.origin import source_type
from engine.recipe import Photo
from tests.desktop.test_control_page import on_diffuse, press
from tests.desktop.test_drops import drop
from tests.engine.test_unclip_like_folder import write_variations


@pytest.fixture
def desk(tmp_path: Path, qtbot: QtBot, open_desk: Callable[[Path], Desk]) -> Desk:
    write_variations(tmp_path / "tiny-karlo")
    return on_diffuse(open_desk, tmp_path, ("tiny-karlo",), qtbot)


def test_a_variation_is_blended_turned_and_brought_back(
    desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    desk.diffuse.use("tiny-karlo")
    desk.diffuse.set_field("steps", 2)
    desk.diffuse.end_gesture()
    for name, colour in (("first", (200, 80, 40)), ("other", (20, 90, 200))):
        Image.new("RGB", (24, 24), colour).save(tmp_path / f"{name}.png")
    desk.begin.page.open(tmp_path / "first.png")
    qtbot.waitUntil(lambda: desk.diffuse.state.begun is not None, timeout=60_000)  # type: ignore[union-attr]
    before = desk.diffuse.state
    assert before is not None
    panel = desk.window.diffuse.make("guidance")
    assert isinstance(panel, GuidancePanel)
    desk.control.page.open(len(before.terms), tmp_path / "other.png")
    qtbot.waitUntil(lambda: bool(panel.findChildren(LikenessBox)), timeout=60_000)
    (box,) = panel.findChildren(LikenessBox)
    assert box._told.text() == "Goes toward a photo."
    box._scale._entered(0.75)
    recipe = desk.diffuse.recipe
    assert recipe is not None
    assert state_of(recipe) == desk.diffuse.state
    assert source_type(recipe) == "compositeWithTrainedAlgorithmicMedia"
    assert desk.studio.render(recipe).pixels.shape[2] == 3
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "first.png"))])
    old = _term(desk, Likeness).image
    assert drop(box, QPointF(9, 9), data)
    qtbot.waitUntil(lambda: _term(desk, Likeness).image != old, timeout=60_000)
    press(panel, "Difference")
    (words,) = panel.findChildren(DifferenceBox)
    words._text._field.setText("an old man")
    words._text._field.editingFinished.emit()
    assert _term(desk, TextDifference).text == "an old man"
    words._away._field.setText("")
    words._away._field.editingFinished.emit()
    assert _term(desk, TextDifference).away == "a face"
    assert words._away._field.text() == "a face"
    while desk.undo.canUndo() and desk.diffuse.state != before:
        desk.undo.undo()
    assert desk.diffuse.state == before


def test_other_models_have_no_such_terms(desk: Desk) -> None:
    panel = desk.window.diffuse.make("guidance")
    desk.diffuse.use("tiny-karlo")
    shown = {b.text() for b in panel.findChildren(QPushButton) if not b.isHidden()}
    assert {"Blend…", "Difference"} <= shown
    term = Likeness(Photo("0" * 64), 0.5)
    desk.diffuse.do("Blend", _with(desk, term))
    desk.diffuse.use("portraits-ddpm")
    state = desk.diffuse.state
    assert state is not None
    assert not any(isinstance(one, Likeness) for one in state.terms)
    hidden = {b.text() for b in panel.findChildren(QPushButton) if b.isHidden()}
    assert {"Blend…", "Difference"} <= hidden


def _with(desk: Desk, term: Likeness) -> object:
    state = desk.diffuse.state
    assert state is not None
    return replace(state, terms=(*state.terms, term))


def _term(desk: Desk, kind: type) -> object:
    state = desk.diffuse.state
    assert state is not None
    return next(one for one in state.terms if isinstance(one, kind))
