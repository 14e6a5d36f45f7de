"""Pictures in rows and columns with words along the top and the left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.widgets.arrows import Cell, walked

GAP_PX = 3
HEAD_PX = 18
SIDE_PX = 44


class LabelledGrid(QWidget):
    """A click, or Return on the cell that arrows reached, takes a picture."""

    taken = Signal(int, int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[str] = ()
        self._columns: Sequence[str] = ()
        self._pictures: Mapping[Cell, QImage] = {}
        self._cursor: Cell = (0, 0)
        self.setAccessibleName(name)
        self.setToolTip(f"{name}: click a picture to take it; arrows and Return do the same")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_axes(self, rows: Sequence[str], columns: Sequence[str]) -> None:
        """Words of the rows and the columns."""
        self._rows, self._columns = rows, columns
        self._cursor = (0, 0)
        self.updateGeometry()
        self.update()

    def set_pictures(self, pictures: Mapping[Cell, QImage]) -> None:
        """Pictures by cell; missing ones show their place."""
        self._pictures = pictures
        self.update()

    def heightForWidth(self, width: int) -> int:
        """Cells are square."""
        return round(HEAD_PX + len(self._rows) * (self._side(width) + GAP_PX))

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(312, self.heightForWidth(312))

    def _left(self) -> int:
        return SIDE_PX if any(self._rows) else 0

    def _side(self, width: int) -> float:
        count = max(1, len(self._columns))
        return (width - self._left() - GAP_PX * (count - 1)) / count

    def place_of(self, cell: Cell) -> QRectF:
        """The rectangle of a cell."""
        side = self._side(self.width())
        row, column = cell
        x = self._left() + column * (side + GAP_PX)
        return QRectF(x, HEAD_PX + row * (side + GAP_PX), side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words and pictures."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        muted = self.palette().color(QPalette.ColorRole.PlaceholderText)
        ground = self.palette().color(QPalette.ColorRole.Base)
        centre, middle = Qt.AlignmentFlag.AlignCenter, Qt.AlignmentFlag.AlignVCenter
        painter.setPen(muted)
        metrics = painter.fontMetrics()
        elide = Qt.TextElideMode.ElideRight
        for column, words in enumerate(self._columns):
            place = self.place_of((0, column))
            head = QRectF(place.x(), 0, place.width(), HEAD_PX)
            painter.drawText(head, centre, metrics.elidedText(words, elide, int(head.width())))
        for row, words in enumerate(self._rows):
            place = self.place_of((row, 0))
            side = QRectF(0, place.y(), SIDE_PX - 4, place.height())
            painter.drawText(side, middle, metrics.elidedText(words, elide, SIDE_PX - 4))
        for row in range(len(self._rows)):
            for column in range(len(self._columns)):
                place, picture = self.place_of((row, column)), self._pictures.get((row, column))
                if picture is None:
                    painter.fillRect(place, ground)
                else:
                    painter.drawImage(place, picture)
        if self.hasFocus() and self._rows:
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 3))
            painter.drawRect(self.place_of(self._cursor).adjusted(1.5, 1.5, -1.5, -1.5))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a picture."""
        for row in range(len(self._rows)):
            for column in range(len(self._columns)):
                if self.place_of((row, column)).contains(event.position()):
                    self._cursor = (row, column)
                    self.update()
                    self.taken.emit(row, column)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the cursor, Return takes."""
        last = (len(self._rows) - 1, len(self._columns) - 1)
        cell = walked(event.key(), self._cursor, last)
        if cell is not None and self._rows:
            self._cursor = cell
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._rows:
            self.taken.emit(*self._cursor)
        else:
            super().keyPressEvent(event)
