"""The comparison of the Diffuse page by hand: two axes, free places, words, and its sheet."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage, QUndoStack
from pytestqt.qtbot import QtBot

from desktop.controllers.compare import CompareController
from desktop.controllers.sheet import SheetController
from desktop.diffuse_state import DiffuseState, Stages, recipe_of
from desktop.facts import Axes, CompareView, DiffuseKit
from desktop.lanes import QueueLane
from desktop.text_shares import of
from desktop.views.compare_panel import ComparePanel
from engine.comparing import AXES, Grid
from engine.denoising import Classes, DenoiserInfo, Upscale
from engine.errors import ExportError
from engine.frame import ExportOptions, Progress, Receipt
from engine.recipe import ClassWeight, ModelRef, Recipe, Seed

MODEL = ModelRef("m", "a" * 64)
INFO = DenoiserInfo("m", "M", MODEL.sha256, 32, ("a hat", "no hat", "a cap"), False, False, True,
                    Path())  # fmt: skip
STATE = DiffuseState(MODEL, Seed(7), Classes((ClassWeight(1),)), stages=Stages(MODEL, 1))


class Thumbs(QObject):
    """Has every picture at once, when told to."""

    arrived = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Recipe] = []
        self.ready: set[Recipe] = set()

    def ask(self, kind: str, recipes: list[Recipe]) -> None:
        self.asked = recipes

    def get(self, recipe: Recipe) -> QImage | None:
        return QImage(8, 8, QImage.Format.Format_RGB32) if recipe in self.ready else None


class Studio:
    """Writes sheets as the gate allows; a file called full.png fails."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.made: list[tuple[Grid, Path, ExportOptions]] = []

    def export_grid(self, grid, path, options, progress, token) -> Receipt:
        progress(Progress("Rendering 1 of 5", 0.1))
        while not self.gate.wait(0.01):
            token.check()
        if path.name == "full.png":
            raise ExportError("The disk is full.", "Make room.")
        self.made.append((grid, path, options))
        return Receipt(path, "", "", grid.recipes[0], "torch", {}, "own", "1", "me")


@pytest.fixture
def compare(qtbot: QtBot) -> CompareController:
    compare = CompareController(Thumbs(), QUndoStack())
    compare.views: list[CompareView] = []
    compare.view_changed.connect(compare.views.append)
    compare.set_kit(DiffuseKit((INFO,), ()))
    compare.follow(STATE)
    return compare


@pytest.fixture
def panel(qtbot: QtBot) -> ComparePanel:
    panel = ComparePanel()
    qtbot.addWidget(panel)
    return panel


def test_nothing_is_rendered_while_nobody_looks(compare: CompareController) -> None:
    assert compare._thumbs.asked == []
    compare.set_open(True)
    assert len(compare._thumbs.asked) == 5
    assert not any(isinstance(recipe.image, Upscale) for recipe in compare._thumbs.asked)


def test_two_parameters_make_a_table_with_whole_words(compare: CompareController) -> None:
    compare.set_open(True)
    compare.set_axes("class", "sampler")
    view = compare.views[-1]
    assert view.columns == ("0", "1", "2")
    assert view.whole[1] == ("a hat", "no hat", "a cap")
    assert len(view.rows) == 6
    assert view.pictures == {}
    compare._thumbs.ready = set(compare._thumbs.asked)
    compare._thumbs.arrived.emit(compare._thumbs.asked[0])
    assert len(compare.views[-1].pictures) == 18


def test_a_place_for_what_does_not_go_together_is_free(compare: CompareController) -> None:
    compare.set_open(True)
    compare.set_axes("eta", "sampler")
    free = compare.views[-1].free
    assert len(free) == 20
    taken: list[DiffuseState] = []
    compare.cell_taken.connect(taken.append)
    compare.take(*min(free))
    assert taken == []


def test_a_picture_is_taken_with_the_upsampling_of_the_state(compare: CompareController) -> None:
    taken: list[DiffuseState] = []
    compare.cell_taken.connect(taken.append)
    compare.set_open(True)
    compare.set_axes("steps", "noise")
    compare.take(2, 1)
    assert taken == [replace(STATE, steps=10, base=Seed(9))]
    grid = compare.grid
    assert grid is not None
    assert grid.cells[2][1] == recipe_of(taken[0])  # a sheet shows it upsampled


def test_axes_can_be_undone(compare: CompareController) -> None:
    compare.set_open(True)
    compare.set_axes("steps", "noise")
    compare._gesture._undo.undo()
    view = compare.views[-1]
    assert view.comparison == Axes()
    assert len(view.columns) == 5


def test_prompts_are_compared_on_models_that_read(
    compare: CompareController, panel: ComparePanel, qtbot: QtBot
) -> None:
    compare.view_changed.connect(panel.show_compare)
    panel.axes_chosen.connect(compare.set_axes)
    panel.texts_written.connect(compare.set_texts)
    compare.set_open(True)
    assert "prompt" not in compare.views[-1].axes
    reader = replace(INFO, classes=(), clip="b" * 64)
    compare.set_kit(DiffuseKit((reader,), ()))
    compare.follow(replace(STATE, conditioning=of("a hat")))
    assert "class" not in compare.views[-1].axes
    compare.set_axes("prompt", "negative")
    lines = panel._texts["prompt"]
    assert lines.isVisibleTo(panel)
    lines._field.setPlainText("a hat\n\n  a   cap \na hat")
    qtbot.keyClick(lines._field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert compare.comparison.prompt == ("a hat", "a cap")
    assert compare.views[-1].columns == ("“a hat”", "“a cap”")
    compare.take(1, 1)
    compare._gesture._undo.undo()
    assert lines._field.toPlainText().splitlines() == list(Axes().prompt)
    compare.set_kit(DiffuseKit((INFO,), ()))  # a model of classes
    assert compare.views[-1].columns == ("0", "1", "2", "4", "8")
    assert not lines.isVisibleTo(panel)


def test_one_parameter_never_stands_on_both_sides(panel: ComparePanel) -> None:
    chosen: list[tuple[str, str]] = []
    panel.axes_chosen.connect(lambda *axes: chosen.append(axes))
    panel._down.set_key("steps")
    panel._chosen()
    panel._across.set_key("steps")
    panel._chosen()
    panel._down.set_key("steps")
    panel._chosen()
    assert chosen == [("guidance", "steps"), ("steps", "guidance"), ("guidance", "steps")]
    panel._down.set_key("none")
    panel._chosen()
    panel._across.set_key("noise")
    panel._chosen()
    assert chosen[-1] == ("noise", "")


def test_keys_walk_the_table_and_tell_what_a_picture_is(panel: ComparePanel, qtbot: QtBot) -> None:
    view = CompareView(
        ("r", "s"), ("1", "2"), {}, (("row one", "row two"), ("one", "two")), frozenset({(1, 1)})
    )
    panel.show_compare(view)
    grid = panel.grid
    assert grid.accessibleDescription() == "one, row one"
    taken: list[tuple[int, int]] = []
    panel.cell_taken.connect(lambda *cell: taken.append(cell))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_Down):
        qtbot.keyClick(grid, key)
    assert taken == [(0, 1)]
    assert grid.accessibleDescription() == "two, row two: do not go together"


def test_a_sheet_is_exported_with_progress_and_told(
    compare: CompareController, panel: ComparePanel, qtbot: QtBot, tmp_path: Path
) -> None:
    studio, lane = Studio(), QueueLane()
    sheets = SheetController(studio, lane)
    sheets.began.connect(panel.show_began)
    sheets.progressed.connect(panel.show_progress)
    sheets.done.connect(panel.show_receipt)
    sheets.stopped.connect(panel.show_stopped)
    sheets.told.connect(panel.show_message)
    sheets.set_options(ExportOptions(title="One", size_px=512, tier="commitment"))
    compare.set_open(True)
    panel.show_compare(compare.views[-1])
    assert panel._export.isEnabled()
    sheets.export(compare.grid, tmp_path / "a.png")
    assert not panel._export.isEnabled()
    qtbot.waitUntil(lambda: panel.job._words.text() == "Rendering 1 of 5")
    sheets.cancel()
    qtbot.waitUntil(lambda: panel._export.isEnabled())
    assert panel.message.text == ""
    studio.gate.set()
    sheets.export(compare.grid, tmp_path / "full.png")
    qtbot.waitUntil(lambda: "The disk is full. Make room." in panel.message.text)
    sheets.export(compare.grid, tmp_path / "b.png")
    qtbot.waitUntil(lambda: "Exported b.png." in panel.message.text)
    assert "Signed by me" in panel.message.text
    grid, path, options = studio.made[0]
    assert (len(grid.recipes), path.name) == (5, "b.png")
    assert (options.title, options.size_px, options.tier) == ("", None, "commitment")
    lane.close()


def test_every_axis_has_words_in_the_panel(panel: ComparePanel) -> None:
    assert list(AXES)[:5] == ["guidance", "steps", "noise", "class", "prompt"]
    assert panel.grid.accessibleName() == "Comparison"
