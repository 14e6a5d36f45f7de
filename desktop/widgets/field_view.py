"""The plane as an instrument shows it: a field of values, arrows, two clouds of points, trails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

Array = np.ndarray[Any, np.dtype[Any]]
LOW, HIGH = QColor("#3f7fd0"), QColor("#d0763f")  # as in the heat map of effects
TINT = 0.62  # of the colour in the field at its ends; the ground keeps the rest
SCALE_PX = 8
FOOT_PX = 22
LEAST_PX = 180


@dataclass(frozen=True, eq=False)
class Field:
    """What is shown. span: half the side of the plane. heat [h, w], row 0 on top. arrows: where
    and how far, [k, 2] each. solid, rings: [n, 2]; trails [s, m, 2]."""

    span: float = 1.5
    heat: Array = field(default_factory=lambda: np.zeros((1, 1), np.float32))
    arrows: tuple[Array, Array] | None = None
    rings: Array = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    solid: Array = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    trails: Array = field(default_factory=lambda: np.zeros((0, 0, 2), np.float32))


class FieldView(QWidget):
    """Paints a Field, square, with a scale of its values below; hint until the first one comes.
    While drawing, a stroke of the left button states points of the plane."""

    stroked = Signal(object)  # list of (x, y)

    def __init__(
        self, name: str, scale: str, hint: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._field = Field()
        self._image = QImage()
        self._ends = (0.0, 0.0)
        self._scale, self._hint = scale, hint
        self._drawing = False
        self._stroke: list[tuple[float, float]] = []
        self.show_arrows = True
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(LEAST_PX, LEAST_PX + FOOT_PX))

    def sizeHint(self) -> QSize:
        """A square and its scale."""
        return QSize(420, 420 + FOOT_PX)

    def set_field(self, shown: Field) -> None:
        """Show another moment."""
        self._field = shown
        self._ends, self._image = _tinted(shown.heat, self.palette())
        self.update()

    def set_scale(self, words: str) -> None:
        """What the colours stand for."""
        self._scale = words
        self.update()

    def set_drawing(self, drawing: bool) -> None:
        """Whether strokes are taken."""
        self._drawing = drawing
        self.setCursor(Qt.CursorShape.CrossCursor if drawing else Qt.CursorShape.ArrowCursor)

    @property
    def square(self) -> QRectF:
        """Where the plane is painted."""
        side = float(max(1, min(self.width(), self.height() - FOOT_PX)))
        return QRectF((self.width() - side) / 2, 0, side, side)

    def place_of(self, points: Array) -> Array:
        """Where points of the plane lie, in pixels, [n, 2]."""
        square, span = self.square, self._field.span
        x = square.x() + (points[..., 0] + span) / (2 * span) * square.width()
        y = square.y() + (span - points[..., 1]) / (2 * span) * square.height()
        return np.stack([x, y], axis=-1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Field, arrows, trails, points, frame, scale."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        square = self.square
        painter.fillRect(square, self.palette().color(QPalette.ColorRole.Dark))
        if self._image.isNull():
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            painter.drawText(square, Qt.AlignmentFlag.AlignCenter, self._hint)
            return
        painter.setClipRect(square)
        painter.drawImage(square, self._image)
        self._paint_arrows(painter)
        self._paint_trails(painter)
        self._paint_points(painter)
        painter.setClipping(False)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Midlight), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(square.adjusted(0.5, 0.5, -0.5, -0.5))
        self._paint_scale(painter, square)

    def _paint_arrows(self, painter: QPainter) -> None:
        if self._field.arrows is None or not self.show_arrows:
            return
        where, moves = self._field.arrows
        lengths = np.linalg.norm(moves, axis=1)
        usual = float(np.percentile(lengths, 90)) if len(lengths) else 0.0
        if not np.isfinite(usual) or usual <= 0:
            return
        cell = self.square.width() / max(1.0, len(where) ** 0.5)
        # The square root keeps weak pushes visible beside strong ones.
        reach = cell * 0.8 * np.sqrt(np.minimum(lengths / usual, 1.0))
        ends = np.divide(moves, lengths[:, None], where=lengths[:, None] > 0, out=moves * 0)
        starts = self.place_of(where)
        colour = QColor(self.palette().color(QPalette.ColorRole.WindowText))
        colour.setAlphaF(0.55)
        painter.setPen(QPen(colour, 1.1))
        for (x, y), (dx, dy), long in zip(starts, ends, reach, strict=True):
            if long < 1.5:
                painter.drawPoint(QPointF(x, y))
                continue
            tip = QPointF(x + dx * long, y - dy * long)
            painter.drawLine(QPointF(x, y), tip)
            for turn in (2.6, -2.6):
                cos, sin = np.cos(turn), np.sin(turn)
                bx, by = cos * dx + sin * dy, sin * dx - cos * dy  # y grows downward
                head = min(4.0, long * 0.4)
                painter.drawLine(tip, QPointF(tip.x() + bx * head, tip.y() + by * head))

    def _paint_trails(self, painter: QPainter) -> None:
        trails = self._field.trails
        if trails.shape[0] < 2:
            return
        colour = QColor(self.palette().color(QPalette.ColorRole.Highlight))
        colour.setAlphaF(0.45)
        painter.setPen(QPen(colour, 1.0))
        places = self.place_of(trails)
        lines = [
            QLineF(x0, y0, x1, y1)
            for (x0, y0), (x1, y1) in zip(
                places[:-1].reshape(-1, 2), places[1:].reshape(-1, 2), strict=True
            )
        ]
        painter.drawLines(lines)

    def _paint_points(self, painter: QPainter) -> None:
        radius = max(1.6, self.square.width() / 220)
        ring = QColor(self.palette().color(QPalette.ColorRole.WindowText))
        ring.setAlphaF(0.5)
        painter.setPen(QPen(ring, 0.9))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for x, y in self._finite(self._field.rings):
            painter.drawEllipse(QPointF(x, y), radius, radius)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Dark), 0.6))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Highlight))
        for x, y in self._finite(self._field.solid):
            painter.drawEllipse(QPointF(x, y), radius + 0.3, radius + 0.3)

    def _finite(self, points: Array) -> Array:
        near = np.abs(points) < 100 * self._field.span
        return self.place_of(points[near.all(axis=1)])

    def _paint_scale(self, painter: QPainter, square: QRectF) -> None:
        """The colours from the lowest to the highest value, with both written out."""
        top = square.bottom() + 8
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        low, high = (_number(value) for value in self._ends)
        metrics = painter.fontMetrics()
        base = top + metrics.ascent() - 3
        left = square.x() + metrics.horizontalAdvance(self._scale) + 12
        painter.drawText(QPointF(square.x(), base), self._scale)
        painter.drawText(QPointF(left, base), low)
        start = left + metrics.horizontalAdvance(low) + 8
        end = square.right() - metrics.horizontalAdvance(high) - 8
        painter.drawText(QPointF(end + 8, base), high)
        if end > start:
            steps = np.linspace(-1, 1, 64, dtype=np.float32)[None]
            strip = _tinted(steps, self.palette())[1]
            painter.drawImage(QRectF(start, top, end - start, SCALE_PX), strip)

    # --- drawing

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A stroke begins."""
        if self._drawing and event.button() == Qt.MouseButton.LeftButton:
            self._stroke = []
            self._add(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The stroke goes on."""
        if self._drawing and event.buttons() & Qt.MouseButton.LeftButton:
            self._add(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The stroke is told."""
        if self._stroke:
            self.stroked.emit(self._stroke)
            self._stroke = []

    def _add(self, place: QPointF) -> None:
        square, span = self.square, self._field.span
        if not square.contains(place):
            return
        x = (place.x() - square.x()) / square.width() * 2 * span - span
        y = span - (place.y() - square.y()) / square.height() * 2 * span
        if not self._stroke or np.hypot(x - self._stroke[-1][0], y - self._stroke[-1][1]) > 0.03:
            self._stroke.append((float(x), float(y)))
            drawn = np.array(self._stroke, np.float32)
            rings = np.concatenate([self._field.rings, drawn[-1:]])
            self._field = Field(span, self._field.heat, None, rings)
            self.update()


def _tinted(heat: Array, palette: QPalette) -> tuple[tuple[float, float], QImage]:
    """Its usual lowest and highest value, and the field as colours on the ground."""
    flat = heat[np.isfinite(heat)]
    if not len(flat):
        return (0.0, 0.0), QImage()
    low, high = (float(x) for x in np.percentile(flat, (1, 99)))
    wide = high - low
    place = np.clip((np.nan_to_num(heat) - low) / wide, 0, 1) * 2 - 1 if wide > 0 else heat * 0
    ground, cold, hot = (
        np.array([colour.red(), colour.green(), colour.blue()], np.float32)
        for colour in (palette.color(QPalette.ColorRole.Dark), LOW, HIGH)
    )
    amount = np.abs(place)[..., None] * TINT
    colours = ground + amount * (np.where(place[..., None] < 0, cold, hot) - ground)
    pixels = np.ascontiguousarray(colours.astype(np.uint8))
    h, w = pixels.shape[:2]
    return (low, high), QImage(pixels.data, w, h, 3 * w, QImage.Format.Format_RGB888).copy()


def _number(value: float) -> str:
    """Three digits at most, with a true minus."""
    return f"{value:.3g}".replace("-", "−")
