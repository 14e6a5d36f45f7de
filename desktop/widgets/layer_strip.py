"""Layers across, sources down: paint which source each layer is taken from, and how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.widgets.arrows import walked

HEAD_PX, ROW_PX, THUMB_PX, GAP_PX = 22, 40, 36, 2


@dataclass(frozen=True)
class StripRow:
    """A source: its name, picture, and by layer how far it is taken; 0 for not at all."""

    name: str
    image: QImage | None
    amounts: tuple[float, ...]


class LayerStrip(QWidget):
    """Drag over cells to paint, with the right button or Shift to wipe; a layer's number locks it.
    Arrows walk, Return paints, Delete wipes, L locks. A click on a picture takes it out."""

    painted = Signal(int, int)  # row, layer
    wiped = Signal(int)  # layer
    paint_ended = Signal()
    lock_wanted = Signal(int)  # layer
    remove_wanted = Signal(int)  # row

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[StripRow, ...] = ()
        self._layers = 1
        self._locked: frozenset[int] = frozenset()
        self._cursor = (0, 0)
        self._brush: str | None = None
        self._last: tuple[int, int] | None = None
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: drag to paint, Shift or the right button wipes; click a number to lock it"
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_strip(self, rows: Sequence[StripRow], layers: int, locked: frozenset[int]) -> None:
        """Show sources and what is painted."""
        self._rows, self._layers, self._locked = tuple(rows), max(1, layers), locked
        self.setFixedHeight(HEAD_PX + ROW_PX * max(1, len(rows)))
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(312, HEAD_PX + ROW_PX * max(1, len(self._rows)))

    def place_of(self, row: int, layer: int) -> QRectF:
        """A cell; row -1 holds the numbers, layer -1 the pictures."""
        left = THUMB_PX + 6
        wide = (self.width() - left) / self._layers
        x, w = (0.0, float(THUMB_PX)) if layer < 0 else (left + layer * wide, wide)
        y, h = (0.0, float(HEAD_PX)) if row < 0 else (HEAD_PX + row * ROW_PX, float(ROW_PX))
        return QRectF(x, y, w, h).adjusted(GAP_PX / 2, GAP_PX / 2, -GAP_PX / 2, -GAP_PX / 2)

    def _cell_at(self, point: QPointF) -> tuple[int, int] | None:
        left = THUMB_PX + 6
        wide = (self.width() - left) / self._layers
        row = -1 if point.y() < HEAD_PX else int((point.y() - HEAD_PX) // ROW_PX)
        layer = -1 if point.x() < left else int((point.x() - left) // wide)
        inside = row < len(self._rows) and layer < self._layers
        return (row, layer) if inside else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Paint, wipe, lock or take out."""
        cell = self._cell_at(event.position())
        if cell is None:
            return
        row, layer = cell
        if row < 0 <= layer:
            self.lock_wanted.emit(layer)
        elif layer < 0 <= row:
            self.remove_wanted.emit(row)
        elif row >= 0 and layer >= 0:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            wipe = event.button() == Qt.MouseButton.RightButton or shift
            self._brush, self._last, self._cursor = "wipe" if wipe else "paint", None, cell
            self._touch(cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on painting, in the row where it began."""
        cell = self._cell_at(event.position())
        if self._brush is not None and cell is not None and cell[1] >= 0:
            self._touch((self._cursor[0], cell[1]))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The stroke is over."""
        if self._brush is not None:
            self._brush = None
            self.paint_ended.emit()

    def _touch(self, cell: tuple[int, int]) -> None:
        if cell != self._last:
            self._last = cell
            if self._brush == "wipe":
                self.wiped.emit(cell[1])
            else:
                self.painted.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk; Return paints, Delete wipes, L locks."""
        row, layer = self._cursor
        cell = walked(event.key(), self._cursor, (len(self._rows) - 1, self._layers - 1))
        if cell is not None:
            self._cursor = cell
            name = self._rows[cell[0]].name if self._rows else ""
            self.setAccessibleDescription(f"{name}, layer {self._cursor[1]}")
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Space) and self._rows:
            self.painted.emit(row, layer)
            self.paint_ended.emit()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.wiped.emit(layer)
            self.paint_ended.emit()
        elif event.key() == Qt.Key.Key_L:
            self.lock_wanted.emit(layer)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Numbers, pictures, cells."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        palette = self.palette()
        for layer in range(self._layers):
            locked = layer in self._locked
            role = QPalette.ColorRole.Highlight if locked else QPalette.ColorRole.PlaceholderText
            painter.setPen(palette.color(role))
            place = self.place_of(-1, layer)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, str(layer))
            if locked:
                painter.drawLine(place.bottomLeft(), place.bottomRight())
        for row in range(len(self._rows)):
            self._paint_row(painter, row)

    def _paint_row(self, painter: QPainter, row: int) -> None:
        palette, source = self.palette(), self._rows[row]
        place = self.place_of(row, -1)
        outline = QPainterPath()
        outline.addRoundedRect(place, 5, 5)
        painter.save()
        painter.setClipPath(outline)
        if source.image is None:
            painter.fillRect(place, palette.color(QPalette.ColorRole.Base))
        else:
            painter.drawImage(place, source.image)
        painter.restore()
        for layer, amount in enumerate(source.amounts[: self._layers]):
            cell = self.place_of(row, layer)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(QPalette.ColorRole.Base))
            painter.drawRoundedRect(cell, 4, 4)
            if amount:
                colour = QColor(palette.color(QPalette.ColorRole.Highlight))
                colour.setAlphaF(0.25 + 0.75 * min(1.0, abs(amount)))
                painter.setBrush(colour)
                high = cell.height() * min(1.0, max(0.12, abs(amount)))
                filled = QRectF(cell.left(), cell.bottom() - high, cell.width(), high)
                painter.drawRoundedRect(filled, 4, 4)
            if self.hasFocus() and (row, layer) == self._cursor:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(palette.color(QPalette.ColorRole.WindowText), 1.5))
                painter.drawRoundedRect(cell.adjusted(1, 1, -1, -1), 4, 4)
