"""Small parts: geometry, figures, enlarging, messages, names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QGuiApplication, QPalette
from pytestqt.qtbot import QtBot

from desktop.display import SMALL_PX, enlarge, shown
from desktop.kit import bands
from desktop.latency import InputToPaint
from desktop.messages import message_of, plain
from desktop.places import free_name
from desktop.views.viewport import Viewport
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label, short_digests
from desktop.widgets.thumb_strip import Thumb, ThumbStrip
from engine.errors import Cancelled, RecipeError

CANVAS, PICTURE = (800, 600), (64, 64)


@given(st.floats(0.2, 5), st.floats(0, 800), st.floats(0, 600))
def test_zoom_keeps_what_is_under_the_pointer(factor: float, x: float, y: float) -> None:
    before = Viewport(4.0, 30.0, -20.0)
    after = before.zoomed(factor, (x, y), CANVAS, PICTURE)
    for axis, at in ((0, x), (1, y)):
        offsets = ((before.x, before.y)[axis], (after.x, after.y)[axis])
        scales = (4.0, after.scale or 0.0)
        places = [(at - CANVAS[axis] / 2 - o) / s for o, s in zip(offsets, scales, strict=True)]
        assert places[0] == pytest.approx(places[1], abs=1e-6)


def test_a_fitted_picture_lies_in_the_middle() -> None:
    left, top, wide, high = Viewport().place(CANVAS, PICTURE)
    assert wide == high == 600 - 48
    assert (left, top) == ((800 - wide) / 2, 24)


def test_an_input_is_measured_at_the_first_paint_of_it_or_newer() -> None:
    latency = InputToPaint()
    for i, key in enumerate("abc"):
        latency.asked(key, float(i))
    latency.painted("b")
    assert latency.figures().count == 2
    latency.painted("a")
    assert latency.figures().count == 2
    latency.painted("c")
    assert latency.figures().count == 3


def test_enlarging_keeps_flat_and_sloping_grounds() -> None:
    flat = np.full((8, 8, 3), 77, np.uint8)
    assert (enlarge(flat, 4) == 77).all()
    slope = np.repeat(np.arange(0, 160, 10, dtype=np.uint8)[:, None], 16, 1)
    rows = enlarge(np.repeat(slope[..., None], 3, 2), 2)[8:-8, 0, 0].astype(int)
    assert set(np.diff(rows)) == {5}


def test_small_pictures_are_enlarged_and_large_ones_wrapped() -> None:
    small = shown(np.zeros((64, 64, 3), np.uint8))
    assert (small.width, small.smooth.width()) == (64, SMALL_PX)
    pixels = np.zeros((512, 512, 3), np.uint8)
    large = shown(pixels)
    assert large.smooth is large.exact
    assert large.buffers[0] is pixels


def test_bands_split_every_layer_once() -> None:
    assert bands(10) == {"coarse": (0, 1, 2, 3), "middle": (4, 5, 6, 7), "fine": (8, 9)}


def test_stopping_is_no_error_and_the_unexpected_can_be_copied() -> None:
    assert message_of(Cancelled()) is None
    told = message_of(RecipeError("psi is wrong.", "Move it back."))
    assert told is not None
    assert (told.title, told.remedy) == ("psi is wrong.", "Move it back.")
    strange = message_of(ZeroDivisionError("secret"))
    assert strange is not None
    assert "secret" not in strange.title
    assert "secret" in strange.details


def test_text_from_outside_is_made_plain() -> None:
    assert plain("a\u202eb\x1b[31mc\nd") == "ab[31mc d"
    assert len(plain("x" * 1000)) == 400


def test_digests_are_short_and_long_words_can_break(qtbot: QtBot) -> None:
    assert short_digests(f"weights {'a1' * 32}.") == "weights a1a1a1a1a1a1…."
    wrapped = label("w" * 300, wrap=True)
    qtbot.addWidget(wrapped)
    assert wrapped.minimumSizeHint().width() < 400


def test_an_export_never_takes_a_name_that_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "portrait.png"
    assert free_name(path) == path
    path.touch()
    (tmp_path / "portrait-2.png").touch()
    assert free_name(path).name == "portrait-3.png"
    assert free_name(tmp_path / "portrait-2.png").name == "portrait-3.png"


def test_a_number_beyond_its_bounds_is_not_taken(qtbot: QtBot) -> None:
    row = SliderRow("Psi", -1, 1, 0.5, beyond=(-2, 2))
    qtbot.addWidget(row)
    row.number.setText("7.5")
    row.number.setModified(True)
    row.number._take()
    assert row.value == 0.5
    row.number.setText("1.5")
    row.number.setModified(True)
    row.number._take()
    assert (row.value, row.slider.value()) == (1.5, row.slider.maximum())
    row.dot.click()
    assert row.value == 0.5


def test_a_picture_that_is_still_to_come_has_the_ground_of_a_field(qtbot: QtBot) -> None:
    strip = ThumbStrip("Pictures")
    qtbot.addWidget(strip)
    strip.resize(200, 96)
    strip.setStyleSheet("QListView { background: transparent; }")  # as the theme's sheet has it
    strip.set_thumbs([Thumb(0, "one")])
    ground = QGuiApplication.palette().color(QPalette.ColorRole.Base)
    assert strip.grab().toImage().pixelColor(40, 40) == ground
