"""Curves over steps, drawn small: up to three series, a legend with their last values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

Array = np.ndarray[Any, np.dtype[Any]]
HEAD_PX, LEFT_PX, FOOT_PX, PAD_PX = 20, 52, 18, 4
LEAST_PX = 92


@dataclass(frozen=True, eq=False)
class Series:
    """values over the plot's steps. tone: "accent", "warn" or "good". words: how the last value
    is told; "" for three digits."""

    values: Array
    tone: str = "accent"
    words: str = ""


class CurvePlot(QWidget):
    """Paints series over one axis. bounds: of the values, None fits them. unit: of the axis."""

    def __init__(
        self,
        title: str,
        bounds: tuple[float, float] | None = None,
        unit: str = "steps",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._title, self._bounds, self._unit = title, bounds, unit
        self._steps: Array = np.zeros(0)
        self._series: Mapping[str, Series] = {}
        self._tones: Mapping[str, str] = {}
        self._marks: Sequence[tuple[float, str]] = ()
        self._end = 1.0
        self.setAccessibleName(title)
        self.setMinimumHeight(LEAST_PX)
        self.setMinimumWidth(150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """A flat plot."""
        return QSize(260, 120)

    def set_tones(self, tones: Mapping[str, str]) -> None:
        """The colours of the theme in use, by tone."""
        self._tones = tones
        self.update()

    def set_curves(self, steps: Array, series: Mapping[str, Series], end: float) -> None:
        """Show these. end: the last step of the axis, as far as anyone knows."""
        self._steps, self._series, self._end = steps, series, max(1.0, end)
        told = ", ".join(f"{name} {self._last(one)}" for name, one in series.items())
        self.setAccessibleDescription(told)
        self.update()

    def set_marks(self, marks: Sequence[tuple[float, str]]) -> None:
        """Places on the axis of steps that get a line, in order, and the words at each."""
        self._marks = marks
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Frame, curves, legend, axes."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = QRectF(
            LEFT_PX, HEAD_PX, self.width() - LEFT_PX - PAD_PX, self.height() - HEAD_PX - FOOT_PX
        )
        low, high = self._range()
        muted = self.palette().color(QPalette.ColorRole.Mid)
        line = self.palette().color(QPalette.ColorRole.Midlight)
        painter.fillRect(place, self.palette().color(QPalette.ColorRole.Dark))
        painter.setPen(QPen(line, 1))
        middle = place.center().y()
        painter.drawLine(QPointF(place.left(), middle), QPointF(place.right(), middle))
        painter.drawRect(place)
        self._paint_legend(painter)
        painter.setPen(muted)
        small = painter.font()
        small.setPixelSize(max(9, small.pixelSize() - 2))
        painter.setFont(small)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, y in ((high, place.top() + 6), (low, place.bottom() - 6)):
            painter.drawText(QRectF(0, y - 7, LEFT_PX - 6, 14), right, short_number(value))
        foot = QRectF(place.left(), place.bottom() + 2, place.width(), FOOT_PX - 2)
        if self._end > 1:
            painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, "0")
            words = f"{self._end:,.0f} {self._unit}"
            painter.drawText(foot, Qt.AlignmentFlag.AlignRight, words)
        self._paint_marks(painter, place)
        painter.setClipRect(place.adjusted(0, -1, 0, 1))
        for one in self._series.values():
            painter.setPen(QPen(self._colour(one.tone), 1.5))
            painter.drawPolyline(self._line(one.values, place, low, high))

    def _paint_legend(self, painter: QPainter) -> None:
        metrics = painter.fontMetrics()
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        base = HEAD_PX - 7
        painter.drawText(QPointF(LEFT_PX, base), self._title)
        x = LEFT_PX + metrics.horizontalAdvance(self._title) + 16
        for name, one in self._series.items():
            words = f"{name} {self._last(one)}"
            wide = metrics.horizontalAdvance(words) + 16
            if x + wide > self.width():
                break
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._colour(one.tone))
            painter.drawRoundedRect(QRectF(x, base - 6, 10, 3), 1.5, 1.5)
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            painter.drawText(QPointF(x + 14, base), words)
            x += wide + 12

    def _paint_marks(self, painter: QPainter, place: QRectF) -> None:
        """A line at each mark, and its words where they end before the next one."""
        muted = self.palette().color(QPalette.ColorRole.Mid)
        xs = [place.left() + at / self._end * place.width() for at, _ in self._marks]
        for (left, right), (_, words) in zip(
            pairwise([*xs, place.right()]), self._marks, strict=True
        ):
            painter.setPen(QPen(muted, 1, Qt.PenStyle.DotLine))
            if left > place.left() + 1:
                painter.drawLine(QPointF(left, place.top()), QPointF(left, place.bottom()))
            painter.setPen(muted)
            if left + painter.fontMetrics().horizontalAdvance(words) + 6 < right:
                painter.drawText(QPointF(left + 4, place.top() + 12), words)

    def _line(self, values: Array, place: QRectF, low: float, high: float) -> QPolygonF:
        wide = high - low or 1.0
        xs = place.left() + self._steps / self._end * place.width()
        ys = (
            place.bottom()
            - (np.clip(values, low - wide, high + wide) - low) / wide * place.height()
        )
        known = np.isfinite(ys)
        return QPolygonF([QPointF(x, y) for x, y in zip(xs[known], ys[known], strict=True)])

    def _range(self) -> tuple[float, float]:
        if self._bounds is not None:
            return self._bounds
        found = [one.values[np.isfinite(one.values)] for one in self._series.values()]
        flat = np.concatenate(found) if found else np.zeros(0)
        if not len(flat):
            return 0.0, 1.0
        low, high = (float(x) for x in np.percentile(flat, (1, 99)))
        pad = 0.08 * (high - low) or 0.5
        return low - pad, high + pad

    def _last(self, one: Series) -> str:
        if one.words:
            return one.words
        return short_number(float(one.values[-1])) if len(one.values) else "–"

    def _colour(self, tone: str) -> QColor:
        return QColor(self._tones.get(tone, "#888888"))


def short_number(value: float) -> str:
    """A number in at most seven characters, such as 0.0123, 4.5e−4, 12,300 or 1.2e7."""
    size = abs(value)
    if size and (size < 0.01 or size >= 99_950):
        head, _, exponent = f"{value:.1e}".partition("e")
        if len(exponent.lstrip("+-0")) > 1:
            head = f"{value:.0e}".partition("e")[0]
        return f"{head}e{int(exponent)}".replace("-", "−")
    words = f"{round(value):,}" if size >= 999.5 else f"{value:.3g}"
    return words.replace("-", "−")
