"""Measures the real window: how fast a drag is shown, and whether anything ever holds it up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPointingDevice
from PySide6.QtWidgets import QApplication, QWidget

from desktop.app import Desk, application
from desktop.facts import ExportRequest
from desktop.latency import LoopGap
from desktop.settings import Settings
from desktop.widgets.slider_row import SliderRow
from engine.errors import BackendError
from engine.frame import ExportOptions
from engine.studio import Studio

EVENTS = 400
EVERY_S = 1 / 120
PATIENCE_S = 30.0


@dataclass(frozen=True)
class WindowFigures:
    """What was measured, in milliseconds where the name says so.

    gap: the longest time for which the event loop answered nothing during that work.
    """

    drag_p50_ms: float
    drag_p95_ms: float
    drag_gap_ms: float
    drag_inputs: int
    drag_rendered: int
    drag_coalesced: int
    export_ms: float
    export_gap_ms: float
    verify_ms: float
    verify_gap_ms: float


def measure_window(studio: Studio, folder: Path, events: int = EVENTS) -> WindowFigures:
    """Drag a slider, export and verify in the real window; `folder` takes settings and export.

    The drag sends mouse events at 120 Hz, as a quick mouse does, and sweeps the slider to and fro.
    Raises BackendError when something does not come within half a minute.
    """
    app = application()
    desk = Desk(studio, Settings(folder / "window.ini"), private=True)
    try:
        desk.start((1440, 900))
        _until(app, lambda: desk.shows_picture() and desk.at_rest())
        drag = _drag(app, desk, events)
        export = _timed(app, desk, lambda: _export(desk, folder / "probe.png"))
        verify = _timed(app, desk, lambda: desk.handlers.open_file(folder / "probe.png"))
    finally:
        desk.window.close()
        app.processEvents()
    return WindowFigures(*drag, *export, *verify)


def _drag(app: QApplication, desk: Desk, events: int) -> tuple[float, float, float, int, int, int]:
    rows = [row for row in desk.window.explore.findChildren(SliderRow) if row.isVisible()]
    slider, gap, lane = rows[0].slider, LoopGap(), desk.render.lane
    before = (lane.done_count, lane.coalesced_count)
    desk.render.latency.reset()
    gap.start()
    _mouse(slider, QEvent.Type.MouseButtonPress, _sweep(slider, 0.0))
    began = time.perf_counter()
    for i in range(events):
        app.processEvents()  # once at least, however late it is
        while time.perf_counter() < began + i * EVERY_S:
            time.sleep(0.0005)
            app.processEvents()
        _mouse(slider, QEvent.Type.MouseMove, _sweep(slider, i / events))
    _mouse(slider, QEvent.Type.MouseButtonRelease, _sweep(slider, 1.0))
    longest = gap.stop()
    _until(app, desk.at_rest)
    figures = desk.render.latency.figures()
    done, coalesced = lane.done_count - before[0], lane.coalesced_count - before[1]
    p50, p95 = figures.p50_ms or 0.0, figures.p95_ms or 0.0
    return p50, p95, longest, figures.count, done, coalesced


def _timed(app: QApplication, desk: Desk, begin: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds until the job is done, and the longest gap on the way."""
    gap = LoopGap()
    gap.start()
    began = time.perf_counter()
    begin()
    _until(app, lambda: desk.jobs.idle)
    took_ms = (time.perf_counter() - began) * 1000
    _until(app, desk.at_rest)
    return took_ms, gap.stop()


def _export(desk: Desk, path: Path) -> None:
    path.unlink(missing_ok=True)
    desk.exports.export(ExportRequest(path, ExportOptions()))


def _sweep(slider: QWidget, part: float) -> QPointF:
    """To the right end, to the left end and back to the middle, while part goes from 0 to 1."""
    place = 0.5 - 0.5 * abs((part * 4 + 3) % 4 - 2) + 0.5
    return QPointF(7 + place * (slider.width() - 14), slider.height() / 2)


def _mouse(widget: QWidget, kind: QEvent.Type, at: QPointF) -> None:
    moving, released = kind == QEvent.Type.MouseMove, kind == QEvent.Type.MouseButtonRelease
    none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
    event = QMouseEvent(
        kind,
        at,
        QPointF(widget.mapToGlobal(QPoint(0, 0))) + at,
        none if moving else left,
        none if released else left,
        Qt.KeyboardModifier.NoModifier,
        QPointingDevice.primaryPointingDevice(),
    )
    QApplication.sendEvent(widget, event)


def _until(app: QApplication, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise BackendError("The window did not come to rest in time.", "Run it alone.")
        app.processEvents()
        time.sleep(0.001)
