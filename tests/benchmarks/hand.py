"""A hand at the real window: synthetic mouse events, with the event loop watched."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from desktop.app import application, build
from desktop.facts import ExportRequest
from desktop.latency import LoopGap
from desktop.widgets.slider import Slider
from engine.studio import Studio

EVENT_S = 0.008  # a mouse reports 125 times a second
PATIENCE_S = 60.0


class Hand:
    """Opens the window on a data folder and works in it."""

    def __init__(self, home: Path) -> None:
        self.app = application()
        studio = Studio(home)
        self.desk = build(studio, studio.home)
        self.gap = LoopGap()

    def __enter__(self) -> Hand:
        self.desk.start((1440, 900))
        self.until(self.desk.shows_picture)
        self.until(self.desk.at_rest)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.desk.close()
        self.desk.window.close()
        self.app.processEvents()

    def drag(self, events: int) -> float:
        """Drag the first direction's slider to and fro; the longest gap in ms."""
        panel = self.desk.window.explore.make("directions")
        slider = next(found for found in panel.findChildren(Slider) if found.isVisible())
        middle = slider.height() / 2
        self.gap.start()
        self._mouse(slider, QEvent.Type.MouseButtonPress, slider.width() / 2, middle)
        for index in range(events):
            x = slider.width() * (0.5 + 0.45 * math.sin(index / 17))
            self._mouse(slider, QEvent.Type.MouseMove, x, middle)
            self._spin(EVENT_S)
        self._mouse(slider, QEvent.Type.MouseButtonRelease, slider.width() / 2, middle)
        self.until(self.desk.at_rest)
        return self.gap.stop()

    def export(self, path: Path) -> float:
        """Export as the panel would; the longest gap in ms."""
        self.gap.start()
        self.desk.exports.export(ExportRequest(path))
        self.until(lambda: path.exists() and self.desk.at_rest())
        return self.gap.stop()

    def verify(self, path: Path) -> float:
        """Verify, then render again and compare; the longest gap in ms."""
        self.gap.start()
        self.desk.handlers.open_file(path)
        self.until(self.desk.at_rest)
        self.desk.verify.rerender()
        self.until(self.desk.at_rest)
        return self.gap.stop()

    def until(self, done: Callable[[], bool]) -> None:
        """Turn the event loop until it is done."""
        end = time.perf_counter() + PATIENCE_S
        while not done():
            assert time.perf_counter() < end, "the window did not come to rest"
            self.app.processEvents()
            time.sleep(0.001)

    def _spin(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.app.processEvents()
            time.sleep(0.0005)

    def _mouse(self, slider: Slider, kind: QEvent.Type, x: float, y: float) -> None:
        place = QPointF(x, y)
        button = Qt.MouseButton.LeftButton
        event = QMouseEvent(
            kind, place, slider.mapToGlobal(place), button, button, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(slider, event)
