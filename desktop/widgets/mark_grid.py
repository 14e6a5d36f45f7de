"""Small pictures that are marked as more or less: a click goes on to the next mark."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
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

COLUMNS = 6
GAP_PX = 4
MORE, LESS = QColor("#2f9e5b"), QColor("#c9513f")


class MarkGrid(QWidget):
    """Left click: more, then nothing; right click or Shift: less. Arrows, + and - do the same."""

    marked = Signal(int, int)  # index, 1 more, -1 less, 0 nothing

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images: tuple[QImage | None, ...] = ()
        self._marks: tuple[int, ...] = ()
        self._cursor = 0
        self.setAccessibleName(name)
        self.setToolTip(f"{name}: click marks as more, right-click as less, once more as neither")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def heightForWidth(self, width: int) -> int:
        """Cells are square."""
        rows = -(-max(1, len(self._marks)) // COLUMNS)
        side = (width - GAP_PX * (COLUMNS - 1)) / COLUMNS
        return round(rows * side + (rows - 1) * GAP_PX)

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(312, self.heightForWidth(312))

    def set_marks(self, images: Sequence[QImage | None], marks: Sequence[int]) -> None:
        """Show pictures and their marks."""
        grown = len(marks) != len(self._marks)
        self._images, self._marks = tuple(images), tuple(marks)
        if grown:
            self.updateGeometry()
        self.update()

    def place_of(self, index: int) -> QRectF:
        """The rectangle of a picture."""
        side = (self.width() - GAP_PX * (COLUMNS - 1)) / COLUMNS
        row, column = divmod(index, COLUMNS)
        return QRectF(column * (side + GAP_PX), row * (side + GAP_PX), side, side)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Mark what is under the pointer."""
        index = self._index_at(event.position().toPoint())
        if index is not None:
            self._cursor = index
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            less = event.button() == Qt.MouseButton.RightButton or shift
            self._mark(index, -1 if less else 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk; plus, minus and Return mark."""
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -COLUMNS,
            Qt.Key.Key_Down: COLUMNS,
        }
        step = steps.get(Qt.Key(event.key()), 0)
        if step and 0 <= self._cursor + step < len(self._marks):
            self._cursor += step
            self.update()
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Return, Qt.Key.Key_Space):
            self._mark(self._cursor, 1)
        elif event.key() == Qt.Key.Key_Minus:
            self._mark(self._cursor, -1)
        else:
            super().keyPressEvent(event)

    def _mark(self, index: int, wanted: int) -> None:
        if index < len(self._marks):
            self.marked.emit(index, 0 if self._marks[index] == wanted else wanted)

    def _index_at(self, point: QPoint) -> int | None:
        places = range(len(self._marks))
        return next((i for i in places if self.place_of(i).contains(point.toPointF())), None)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Pictures with their marks."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for i, (image, mark) in enumerate(zip(self._images, self._marks, strict=True)):
            place = self.place_of(i)
            outline = QPainterPath()
            outline.addRoundedRect(place, 5, 5)
            painter.save()
            painter.setClipPath(outline)
            if image is None:
                painter.fillRect(place, self.palette().color(QPalette.ColorRole.Base))
            else:
                painter.drawImage(place, image)
            painter.restore()
            if mark:
                self._paint_mark(painter, place, mark)
            if self.hasFocus() and i == self._cursor:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                accent = self.palette().color(QPalette.ColorRole.Highlight)
                painter.setPen(QPen(accent, 2, Qt.PenStyle.DotLine))
                painter.drawRoundedRect(place.adjusted(-1, -1, 1, 1), 6, 6)

    def _paint_mark(self, painter: QPainter, place: QRectF, mark: int) -> None:
        colour = MORE if mark > 0 else LESS
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 3))
        painter.drawRoundedRect(place.adjusted(1.5, 1.5, -1.5, -1.5), 5, 5)
        spot = QRectF(place.right() - 18, place.top() + 2, 16, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(spot)
        painter.setPen(QColor("white"))
        painter.drawText(spot, Qt.AlignmentFlag.AlignCenter, "+" if mark > 0 else "−")
