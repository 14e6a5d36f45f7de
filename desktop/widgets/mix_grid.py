"""A table of small pictures: sources along the top and the left, their mixes inside."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.widgets.arrows import walked
from desktop.widgets.recipe_drag import DRAG_PX, DataOf, carries, take_along, text_of

GAP_PX = 4
HEAD_GAP_PX = 6

Cell = tuple[int, int]  # row, column; -1 is the heading of the other


class MixGrid(QWidget):
    """Cells are (row, column) from 0; (-1, c) and (r, -1) are the sources; (-1, -1) is empty.

    Arrows move the cursor, Return takes a cell, R on a source draws a new one.
    """

    taken = Signal(int, int)
    source_wanted = Signal(int, int)  # draw another source: (-1, column) or (row, -1)
    dropped = Signal(int, int, str)  # a picture, on a source

    def __init__(self, name: str, size: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = size
        self._pictures: Mapping[Cell, QImage] = {}
        self._tips: Mapping[Cell, str] = {}
        self._chosen: Cell | None = None
        self._cursor: Cell = (0, 0)
        self._hover: Cell | None = None
        self._press: tuple[Cell, QPointF] | None = None
        self._data_of: DataOf | None = None
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: click a mix to take it, click a source to draw another; arrows and Return "
            "do the same. Drop a picture on a source, drag any to another panel"
        )
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_drag(self, data_of: DataOf) -> None:
        """Let pictures be taken to other panels. data_of: what goes along, by cell."""
        self._data_of = data_of

    def heightForWidth(self, width: int) -> int:
        """Cells are square."""
        return width

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(312, 312)

    def set_pictures(self, pictures: Mapping[Cell, QImage]) -> None:
        """Pictures by cell; missing ones show their place."""
        if pictures is not self._pictures:
            self._pictures = pictures
            self.update()

    def set_tips(self, tips: Mapping[Cell, str]) -> None:
        """What to tell of each cell."""
        self._tips = tips

    def set_chosen(self, cell: Cell | None) -> None:
        """Mark the cell whose mix is on the canvas."""
        if cell != self._chosen:
            self._chosen = cell
            self.update()

    def place_of(self, cell: Cell) -> QRectF:
        """The rectangle of a cell."""
        count = self._size + 1
        side = (self.width() - HEAD_GAP_PX - GAP_PX * (count - 2)) / count
        row, column = cell
        x = 0.0 if column < 0 else side + HEAD_GAP_PX + column * (side + GAP_PX)
        y = 0.0 if row < 0 else side + HEAD_GAP_PX + row * (side + GAP_PX)
        return QRectF(x, y, side, side)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click or a drag begins."""
        cell = self._cell_at(event.position().toPoint())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._cursor = cell
            self._press = (cell, event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take a cell, or draw another source."""
        press, self._press = self._press, None
        if press is not None and self._cell_at(event.position().toPoint()) == press[0]:
            self._act(press[0])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show what is under the pointer; a picture that is pulled goes along."""
        press = self._press
        far = press is not None and (event.position() - press[1]).manhattanLength() > DRAG_PX
        if press is not None and far and self._data_of is not None:
            self._press = None
            take_along(self, self._data_of(press[0]), self._pictures.get(press[0]))
            return
        cell = self._cell_at(event.position().toPoint())
        if cell != self._hover:
            self._hover = cell
            self.setCursor(
                Qt.CursorShape.ArrowCursor if cell is None else Qt.CursorShape.PointingHandCursor
            )
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        self._hover = None
        self.update()

    def event(self, event: QEvent) -> bool:
        """Tooltips differ from cell to cell."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self._cell_at(event.pos())
            QToolTip.showText(event.globalPos(), self._tips.get(cell, "") if cell else "", self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the cursor, Return and Space act."""
        last = (self._size - 1, self._size - 1)
        cell = walked(event.key(), self._cursor, last, first=(-1, -1))
        if cell is not None:
            if cell != (-1, -1):
                self._cursor = cell
                self.setAccessibleDescription(self._tips.get(self._cursor, ""))
                self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._act(self._cursor)
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a picture of this program."""
        if carries(event):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Sources are places for pictures; what they make is not."""
        cell = self._cell_at(event.position().toPoint())
        self._hover = cell if cell is not None and -1 in cell else None
        event.setAccepted(self._hover is not None)
        self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Nothing is over it any more."""
        self._hover = None
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        """It becomes that source."""
        cell = self._cell_at(event.position().toPoint())
        self._hover = None
        if cell is not None and -1 in cell:
            self.dropped.emit(*cell, text_of(event))
            event.acceptProposedAction()

    def _act(self, cell: Cell) -> None:
        if -1 in cell:
            self.source_wanted.emit(*cell)
        else:
            self.taken.emit(*cell)

    def _cell_at(self, point: QPoint) -> Cell | None:
        cells = ((row, column) for row in range(-1, self._size) for column in range(-1, self._size))
        return next(
            (c for c in cells if c != (-1, -1) and self.place_of(c).contains(point.toPointF())),
            None,
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Every cell, its frame where it is chosen, hovered or under the cursor."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        ground = self.palette().color(QPalette.ColorRole.Base)
        for row in range(-1, self._size):
            for column in range(-1, self._size):
                if (row, column) != (-1, -1):
                    self._paint_cell(painter, (row, column), ground)
        self._paint_corner(painter)

    def _paint_corner(self, painter: QPainter) -> None:
        """Which sources give what, in the empty corner."""
        place = self.place_of((-1, -1)).adjusted(2, 2, -2, -2)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        flags = Qt.AlignmentFlag
        painter.drawText(place, flags.AlignRight | flags.AlignTop, "styles →")
        painter.drawText(place, flags.AlignLeft | flags.AlignBottom, "bases ↓")

    def _paint_cell(self, painter: QPainter, cell: Cell, ground: QColor) -> None:
        place = self.place_of(cell)
        outline = QPainterPath()
        outline.addRoundedRect(place, 5, 5)
        picture = self._pictures.get(cell)
        painter.save()
        painter.setClipPath(outline)
        if picture is None:
            painter.fillRect(place, ground)
        else:
            painter.drawImage(place, picture)
        if cell == self._hover and -1 in cell:
            painter.fillRect(place, QColor(0, 0, 0, 110))
            painter.setPen(QPen(QColor("white"), 2))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "new")
        painter.restore()
        accent = self.palette().color(QPalette.ColorRole.Highlight)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if cell == self._chosen:
            painter.setPen(QPen(accent, 3))
            painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 5, 5)
        elif cell == self._hover or (self.hasFocus() and cell == self._cursor):
            painter.setPen(QPen(QColor("white"), 2))
            painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 5, 5)
        if self.hasFocus() and cell == self._cursor:
            painter.setPen(QPen(accent, 2, Qt.PenStyle.DotLine))
            painter.drawRoundedRect(place.adjusted(-1, -1, 1, 1), 6, 6)
