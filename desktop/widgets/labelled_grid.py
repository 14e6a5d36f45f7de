"""Pictures in rows and columns with words along the top and the left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.widgets.arrows import Cell, walked

GAP_PX = 3
HEAD_PX = 18
SIDE_PX = (44, 76)  # of the row words: at least, at most


class LabelledGrid(QWidget):
    """A click, or Return on the cell that arrows reached, takes a picture."""

    taken = Signal(int, int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[str] = ()
        self._columns: Sequence[str] = ()
        self._whole: tuple[Sequence[str], Sequence[str]] = ((), ())
        self._pictures: Mapping[Cell, QImage] = {}
        self._free: frozenset[Cell] = frozenset()
        self._cursor: Cell = (0, 0)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_axes(
        self,
        rows: Sequence[str],
        columns: Sequence[str],
        whole_rows: Sequence[str] = (),
        whole_columns: Sequence[str] = (),
    ) -> None:
        """Words of the rows and the columns; whole ones are told of the picture at hand."""
        self._rows, self._columns = rows, columns
        self._whole = (whole_rows or rows, whole_columns or columns)
        self._go_to((0, 0))
        self.updateGeometry()

    def set_pictures(
        self, pictures: Mapping[Cell, QImage], free: frozenset[Cell] = frozenset()
    ) -> None:
        """Pictures by cell; missing ones show their place, free ones that nothing comes."""
        self._pictures, self._free = pictures, free
        self.update()

    def words_of(self, cell: Cell) -> str:
        """What a cell shows, in whole words."""
        rows, columns = self._whole
        if not (cell[0] < len(rows) and cell[1] < len(columns)):
            return ""
        words = ", ".join(part for part in (columns[cell[1]], rows[cell[0]]) if part)
        return f"{words}: do not go together" if cell in self._free else words

    def _go_to(self, cell: Cell) -> None:
        self._cursor = cell
        self.setAccessibleDescription(self.words_of(cell))
        self.update()

    def _cell_at(self, point: QPointF) -> Cell | None:
        places = product(range(len(self._rows)), range(len(self._columns)))
        return next((cell for cell in places if self.place_of(cell).contains(point)), None)

    def heightForWidth(self, width: int) -> int:
        """Cells are square."""
        return round(HEAD_PX + len(self._rows) * (self._side(width) + GAP_PX))

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(312, self.heightForWidth(312))

    def _left(self) -> int:
        if not any(self._rows):
            return 0
        widest = max(self.fontMetrics().horizontalAdvance(words) for words in self._rows) + 8
        return min(max(SIDE_PX[0], widest), SIDE_PX[1])

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
            room = self._left() - 4
            side = QRectF(0, place.y(), room, place.height())
            painter.drawText(side, middle, metrics.elidedText(words, elide, room))
        for row in range(len(self._rows)):
            for column in range(len(self._columns)):
                place, picture = self.place_of((row, column)), self._pictures.get((row, column))
                if (row, column) in self._free:
                    painter.setPen(ground)
                    painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
                elif picture is None:
                    painter.fillRect(place, ground)
                else:
                    painter.drawImage(place, picture)
        if self.hasFocus() and self._rows:
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 3))
            painter.drawRect(self.place_of(self._cursor).adjusted(1.5, 1.5, -1.5, -1.5))

    def event(self, event: QEvent) -> bool:
        """Hovering a picture tells what it shows."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self._cell_at(QPointF(event.pos()))
            words = "" if cell is None else self.words_of(cell)
            place = QRect() if cell is None else self.place_of(cell).toRect()
            QToolTip.showText(event.globalPos(), words, self, place)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a picture."""
        cell = self._cell_at(event.position())
        if cell is not None:
            self._go_to(cell)
            self.taken.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the cursor, Return takes."""
        last = (len(self._rows) - 1, len(self._columns) - 1)
        cell = walked(event.key(), self._cursor, last)
        if cell is not None and self._rows:
            self._go_to(cell)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._rows:
            self.taken.emit(*self._cursor)
        else:
            super().keyPressEvent(event)
