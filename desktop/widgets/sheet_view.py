"""A sheet of equal tiles, scaled to the width that there is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
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


class SheetView(QWidget):
    """Says which tile lies under the pointer; a click wants the sheet large."""

    large_wanted = Signal()

    def __init__(self, name: str, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._columns, self._step, self._count = 1, 1, 0
        self._hint = hint
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_sheet(self, image: QImage | None, columns: int, step: int, count: int) -> None:
        """Show a sheet of `count` tiles, `step` pixels from one to the next."""
        old = self._ratio()
        self._image, self._columns, self._step, self._count = image, columns, step, count
        if self._ratio() != old:
            self.updateGeometry()
        self.update()

    def set_hint(self, hint: str) -> None:
        """What an empty sheet says."""
        self._hint = hint
        self.update()

    def hasHeightForWidth(self) -> bool:
        """The sheet keeps its shape."""
        return True

    def heightForWidth(self, width: int) -> int:
        """As tall as the sheet is at that width."""
        return round(width * self._ratio())

    def sizeHint(self) -> QSize:
        """A sheet of the column's width."""
        return QSize(320, self.heightForWidth(320))

    def tile_at(self, point: QPointF) -> int | None:
        """Which tile lies there."""
        if self._image is None or self.width() == 0:
            return None
        scale = self._image.width() / self.width()
        column, row = (int(v * scale) // self._step for v in (point.x(), point.y()))
        tile = row * self._columns + column
        return tile if column < self._columns and tile < self._count else None

    def event(self, event: QEvent) -> bool:
        """A tooltip names the tile."""
        if isinstance(event, QHelpEvent):
            tile = self.tile_at(QPointF(event.pos()))
            words = "" if tile is None else f"Channel {tile} of {self._count}; click to enlarge"
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click wants it large."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.large_wanted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and space do as a click does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.large_wanted.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The sheet, or the hint; a ring where focused."""
        painter = QPainter(self)
        place = QRectF(self.rect())
        painter.fillRect(place, self.palette().color(QPalette.ColorRole.Dark))
        if self._image is None:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(place.adjusted(16, 16, -16, -16), flags, self._hint)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._image)
        if self.hasFocus():
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()

    def _ratio(self) -> float:
        image = self._image
        return 0.6 if image is None else image.height() / max(1, image.width())
