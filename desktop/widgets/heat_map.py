"""A table of signed numbers, drawn as colours: rows, columns, and a way to sort by a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

ROW_PX = 24
NAME_PX = 108
HEAD_PX = 28
COLD, HOT = QColor("#3f7fd0"), QColor("#d0763f")


@dataclass(frozen=True)
class HeatRow:
    """A name and its numbers, from -1 to 1; None where nothing was measured."""

    key: object
    name: str
    values: tuple[float | None, ...]


class HeatMap(QWidget):
    """Blue falls, orange rises, the ground is nothing. A click on a heading sorts by it; a click
    on a row chooses it. Arrows walk, Return chooses."""

    sorted_by = Signal(int)  # column
    chosen = Signal(object)  # key of a row

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[HeatRow, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._sorted: int | None = None
        self._cursor = 0
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(f"{name}: click a heading to sort by it, a row to choose it")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_table(
        self, columns: Sequence[str], rows: Sequence[HeatRow], sorted_by: int | None
    ) -> None:
        """Show a table."""
        self._columns, self._rows, self._sorted = tuple(columns), tuple(rows), sorted_by
        self._cursor = min(self._cursor, max(0, len(rows) - 1))
        self.setFixedHeight(HEAD_PX + ROW_PX * len(rows) + 2)
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(320, HEAD_PX + ROW_PX * len(self._rows) + 2)

    def place_of(self, row: int, column: int) -> QRectF:
        """The rectangle of a cell; row -1 is the heading, column -1 the names."""
        wide = (self.width() - NAME_PX) / max(1, len(self._columns))
        x, w = (0.0, float(NAME_PX)) if column < 0 else (NAME_PX + column * wide, wide)
        y, h = (0.0, float(HEAD_PX)) if row < 0 else (HEAD_PX + row * ROW_PX, float(ROW_PX))
        return QRectF(x, y, w, h)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Sort or choose."""
        row, column = self._cell_at(event.position().toPoint())
        if row < 0 <= column < len(self._columns):
            self.sorted_by.emit(column)
        elif 0 <= row < len(self._rows):
            self._cursor = row
            self.chosen.emit(self._rows[row].key)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down walk, Return chooses, digits sort."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step and self._rows:
            self._cursor = min(max(self._cursor + step, 0), len(self._rows) - 1)
            self.setAccessibleDescription(self._words(self._cursor))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._rows:
            self.chosen.emit(self._rows[self._cursor].key)
        elif event.text().isdigit() and 0 < int(event.text()) <= len(self._columns):
            self.sorted_by.emit(int(event.text()) - 1)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Numbers are told where the pointer rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row, _ = self._cell_at(event.pos())
            words = self._words(row) if 0 <= row < len(self._rows) else self.toolTip()
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    def _words(self, row: int) -> str:
        shown = self._rows[row]
        pairs = zip(self._columns, shown.values, strict=True)
        told = [f"{name} {value:+.2f}" for name, value in pairs if value is not None]
        return f"{shown.name}: {', '.join(told) or 'not measured'}"

    def _cell_at(self, point: QPoint) -> tuple[int, int]:
        row = -1 if point.y() < HEAD_PX else (point.y() - HEAD_PX) // ROW_PX
        wide = (self.width() - NAME_PX) / max(1, len(self._columns))
        column = -1 if point.x() < NAME_PX else int((point.x() - NAME_PX) / max(1.0, wide))
        return row, column

    def paintEvent(self, event: QPaintEvent) -> None:
        """Headings, names, cells."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        flags = Qt.AlignmentFlag
        palette = self.palette()
        metrics = painter.fontMetrics()
        elide = Qt.TextElideMode.ElideRight
        for i, name in enumerate(self._columns):
            place = self.place_of(-1, i).adjusted(1, 0, -1, 0)
            hot = i == self._sorted
            painter.setPen(palette.color(
                QPalette.ColorRole.Highlight if hot else QPalette.ColorRole.PlaceholderText
            ))  # fmt: skip
            words = metrics.elidedText(name, elide, int(place.width()) - (10 if hot else 0))
            painter.drawText(place, flags.AlignCenter, words + (" ▾" if hot else ""))
        for y, row in enumerate(self._rows):
            self._paint_row(painter, y, row)

    def _paint_row(self, painter: QPainter, y: int, row: HeatRow) -> None:
        palette, flags = self.palette(), Qt.AlignmentFlag
        place = self.place_of(y, -1)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        words = painter.fontMetrics().elidedText(
            row.name, Qt.TextElideMode.ElideRight, int(place.width()) - 8
        )
        painter.drawText(place, flags.AlignVCenter | flags.AlignLeft, words)
        for x, value in enumerate(row.values):
            cell = self.place_of(y, x).adjusted(1, 1, -1, -1)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(QPalette.ColorRole.Base))
            painter.drawRoundedRect(cell, 4, 4)
            if value is None:
                continue
            colour = QColor(HOT if value > 0 else COLD)
            colour.setAlphaF(min(1.0, abs(value)) ** 0.7)
            painter.setBrush(colour)
            painter.drawRoundedRect(cell, 4, 4)
            if abs(value) >= 0.095:
                painter.setPen(palette.color(QPalette.ColorRole.WindowText))
                painter.drawText(cell, flags.AlignCenter, f"{value:+.1f}".replace("-", "−"))
        if self.hasFocus() and y == self._cursor:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(palette.color(QPalette.ColorRole.Highlight))
            whole = QRectF(0, HEAD_PX + y * ROW_PX, self.width(), ROW_PX)
            painter.drawRoundedRect(whole.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
