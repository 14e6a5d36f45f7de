"""Rows of small pictures that are summed: drag one onto another to swap them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDropEvent,
    QFont,
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
from desktop.widgets.recipe_drag import DataOf, carries, take_along, text_of

ACROSS = 5  # places of a line
SIGN_PX = 40
GAP_PX = 4
Slot = tuple[int, int]  # row, place


@dataclass(frozen=True)
class SumRow:
    """sign: what stands before it. A place of None has its picture still to come."""

    sign: str
    name: str
    images: tuple[QImage | None, ...]


class SumPad(QWidget):
    """Up to `most` pictures a row, on a second line where the first is full. The first free place
    adds; a click on a picture shows it; Delete or right-click takes it away; dragging swaps. Arrows
    walk, Return does what a click does."""

    add_wanted = Signal(int)  # row
    show_wanted = Signal(int, int)  # row, place
    remove_wanted = Signal(int, int)
    swap_wanted = Signal(int, int, int, int)  # from row, place, to row, place
    dropped = Signal(int, str)  # row, what was dropped as text

    def __init__(self, name: str, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._most = most
        self._rows: tuple[SumRow, ...] = ()
        self._cursor: Slot = (0, 0)
        self._press: tuple[Slot, QPointF] | None = None
        self._drag: QPointF | None = None
        self._data_of: DataOf | None = None
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: click + to add the picture on the canvas, drag to swap, right-click removes"
        )
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_drag(self, data_of: DataOf) -> None:
        """Let pictures be taken to other panels. data_of: what goes along, by row and place."""
        self._data_of = data_of

    def _side(self, width: int) -> float:
        return (width - SIGN_PX - GAP_PX * (ACROSS - 1)) / ACROSS

    def _places(self, row: int) -> int:
        """How many there are in a row: whole lines, with one place more than pictures."""
        lines = len(self._rows[row].images) // ACROSS + 1
        return min(lines * ACROSS, self._most)

    def _lines(self, rows: int) -> int:
        """How many lines the first so many rows take."""
        return sum(-(-self._places(row) // ACROSS) for row in range(rows))

    def heightForWidth(self, width: int) -> int:
        """Places are square."""
        rows = len(self._rows)
        lines = max(1, self._lines(rows))
        return round(lines * (self._side(width) + GAP_PX) + max(0, rows - 1) * GAP_PX - GAP_PX)

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(312, self.heightForWidth(312))

    def set_rows(self, rows: Sequence[SumRow]) -> None:
        """Show rows of pictures."""
        before = self.heightForWidth(self.width())
        self._rows = tuple(rows)
        if self.heightForWidth(self.width()) != before:
            self.updateGeometry()
        self.update()

    def place_of(self, slot: Slot) -> QRectF:
        """The rectangle of a place."""
        side = self._side(self.width())
        row, place = slot
        down, across = divmod(place, ACROSS)
        top = (self._lines(row) + down) * (side + GAP_PX) + row * GAP_PX
        return QRectF(SIGN_PX + across * (side + GAP_PX), top, side, side)

    def _slot_at(self, point: QPointF) -> Slot | None:
        slots = ((r, p) for r in range(len(self._rows)) for p in range(self._places(r)))
        return next((slot for slot in slots if self.place_of(slot).contains(point)), None)

    def _filled(self, slot: Slot) -> bool:
        return slot[1] < len(self._rows[slot[0]].images)

    def _act(self, slot: Slot) -> None:
        if self._filled(slot):
            self.show_wanted.emit(*slot)
        else:
            self.add_wanted.emit(slot[0])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag; the right button takes away."""
        slot = self._slot_at(event.position())
        if slot is None:
            return
        self._cursor = slot
        if event.button() == Qt.MouseButton.RightButton and self._filled(slot):
            self.remove_wanted.emit(*slot)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._press = (slot, event.position())
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A picture follows the hand, out of the pad to other panels, too."""
        if self._drag is not None and not self.rect().contains(event.position().toPoint()):
            self._leave()
        elif self._press is not None and self._filled(self._press[0]):
            far = (event.position() - self._press[1]).manhattanLength() > 8
            if far or self._drag is not None:
                self._drag = event.position()
                self.update()

    def _leave(self) -> None:
        press = self._press
        if press is None or self._data_of is None:
            return
        row, place = press[0]
        self._press, self._drag = None, None
        self.update()
        take_along(self, self._data_of(press[0]), self._rows[row].images[place])

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Swap, or do what a click does."""
        press, drag, self._press, self._drag = self._press, self._drag, None, None
        if press is None:
            return
        slot = self._slot_at(event.position())
        if drag is None:
            self._act(press[0])
        elif slot is not None and slot != press[0]:
            self.swap_wanted.emit(*press[0], *slot)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk; Return acts; Delete takes away."""
        cell = walked(event.key(), self._cursor, (len(self._rows) - 1, self._most - 1))
        if cell is not None and self._rows:
            row, place = cell
            self._cursor = row, min(place, self._places(row) - 1)
            self.setAccessibleDescription(f"{self._rows[row].name}, place {self._cursor[1] + 1}")
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Space):
            self._act(self._cursor)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            if self._filled(self._cursor):
                self.remove_wanted.emit(*self._cursor)
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a picture of this program."""
        if carries(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A picture from elsewhere joins the row under it."""
        slot = self._slot_at(event.position())
        if slot is not None:
            self.dropped.emit(slot[0], text_of(event))
            event.acceptProposedAction()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Signs, pictures, the place that adds, what is dragged."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        font = QFont(self.font())
        font.setPixelSize(font.pixelSize() + 5)
        for y, row in enumerate(self._rows):
            first = self.place_of((y, 0))
            painter.setFont(font)
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            sign = QRectF(0, first.top(), SIGN_PX - 4, first.height())
            painter.drawText(sign, Qt.AlignmentFlag.AlignCenter, row.sign)
            for x in range(self._places(y)):
                self._paint_slot(painter, (y, x), row)
        if self._press is not None and self._drag is not None:
            held, place = self._press[0]
            image = self._rows[held].images[place]
            side = self._side(self.width()) * 0.9
            spot = QRectF(self._drag.x() - side / 2, self._drag.y() - side / 2, side, side)
            painter.setOpacity(0.85)
            if image is not None:
                painter.drawImage(spot, image)

    def _paint_slot(self, painter: QPainter, slot: Slot, row: SumRow) -> None:
        place = self.place_of(slot)
        palette = self.palette()
        outline = QPainterPath()
        outline.addRoundedRect(place, 5, 5)
        count = len(row.images)
        if slot[1] < count:
            image = row.images[slot[1]]
            painter.save()
            painter.setClipPath(outline)
            if image is None:
                painter.fillRect(place, palette.color(QPalette.ColorRole.Base))
            else:
                painter.drawImage(place, image)
            if self._press is not None and self._drag is not None and self._press[0] == slot:
                painter.fillRect(place, QColor(0, 0, 0, 120))
            painter.restore()
        elif slot[1] == count:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1.2, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 5, 5)
            painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "+")
        if self.hasFocus() and slot == self._cursor:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2))
            painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 5, 5)
