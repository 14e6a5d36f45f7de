"""A pad to walk on: a point between four named corners, over a carpet of small pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
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

from desktop.widgets.recipe_drag import carries, text_of

COLUMNS, ROWS = 6, 4
GAP_PX = 2
STEP = 0.05
REST_MS = 400


class Pad(QWidget):
    """A point (x, y) in [0, 1] squared. The tiles are pictures at evenly spaced points.

    Emits while it moves; `gesture_ended` when a gesture is over. Arrows step, Shift is fine, Home
    goes to the first corner. A click on a corner's label takes that corner.
    """

    moved = Signal(float, float)
    gesture_ended = Signal()
    corner_chosen = Signal(int)
    dropped = Signal(int, str)  # a picture, on the quarter of a corner

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._point: tuple[float, float] | None = (0.0, 0.0)
        self._labels: tuple[str, ...] = ("", "", "", "")
        self._tiles: Mapping[tuple[int, int], QImage] = {}
        self._takes = False
        self._walks = True
        self._held = False
        self._walked = False
        self._start: tuple[float, float] | None = (
            self._point
        )  # where it was when the button went down
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(self.gesture_ended)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: drag to walk between the four seeds; arrows step, Shift is fine, Home goes "
            "back. Double-click on a corner takes its seed"
        )
        self.setCursor(Qt.CursorShape.CrossCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_takes_drops(self, takes: bool) -> None:
        """Whether pictures may be dropped on its corners."""
        self._takes = takes
        self.setAcceptDrops(takes)

    def set_walks(self, walks: bool) -> None:
        """Whether one can walk on it. A pad that still waits for pictures takes drops all the same,
        which one that is disabled would not."""
        self._walks = walks
        self.update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a picture of this program."""
        if self._takes and carries(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """It goes to the nearest corner."""
        x, y = self._place_at(event.position())
        self.dropped.emit((1 if x > 0.5 else 0) + (2 if y > 0.5 else 0), text_of(event))
        event.acceptProposedAction()

    def heightForWidth(self, width: int) -> int:
        """Tiles are square."""
        return round(width / COLUMNS * ROWS)

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(312, self.heightForWidth(312))

    @property
    def point(self) -> tuple[float, float] | None:
        """Where the point is; None when it is nowhere on the pad."""
        return self._point

    def set_point(self, x: float, y: float) -> None:
        """Show the point; emits nothing."""
        if self._point != (x, y):
            self._point = (x, y)
            self.setAccessibleDescription(f"{x:.2f} across, {y:.2f} down")
            self.update()

    def clear_point(self) -> None:
        """The picture lies nowhere on this pad."""
        if self._point is not None:
            self._point = None
            self.update()

    def set_labels(self, labels: Sequence[str]) -> None:
        """Names of the corners: first row, then last row."""
        if tuple(labels) != self._labels:
            self._labels = tuple(labels)
            self.update()

    def set_tiles(self, tiles: Mapping[tuple[int, int], QImage]) -> None:
        """Pictures by (column, row)."""
        if tiles is not self._tiles:
            self._tiles = tiles
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Walk to the place."""
        if event.button() == Qt.MouseButton.LeftButton and self._walks:
            self._rest.stop()
            self._held, self._walked, self._start = True, False, self._point
            self._go(*self._place_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Walk on."""
        if self._held:
            self._walked = True
            self._go(*self._place_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The gesture is over; a click may yet become a double-click, which is one gesture."""
        if self._held:
            self._held = False
            if self._walked:
                self.gesture_ended.emit()
            else:
                self._rest.start()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Take a corner, as if its first click had not walked there."""
        x, y = self._place_at(event.position())
        if self._walks and min(x, 1 - x) < 0.1 and min(y, 1 - y) < 0.15:
            self._held = False
            self._rest.stop()
            if self._start is not None:
                self.set_point(*self._start)
                self.moved.emit(*self._start)
            self.gesture_ended.emit()
            self.corner_chosen.emit((1 if x > 0.5 else 0) + (2 if y > 0.5 else 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows step."""
        moves = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        move = moves.get(Qt.Key(event.key())) if self._walks else None
        if self._walks and event.key() == Qt.Key.Key_Home:
            self._go(0.0, 0.0)
        elif move is not None:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            step = STEP / 5 if fine else STEP
            x, y = self._point or (0.0, 0.0)
            self._go(x + move[0] * step, y + move[1] * step)
        else:
            super().keyPressEvent(event)
            return
        self._rest.start()

    def _go(self, x: float, y: float) -> None:
        x, y = (round(min(max(v, 0.0), 1.0), 3) for v in (x, y))
        if self._point != (x, y):
            self.set_point(x, y)
            self.moved.emit(x, y)

    def _inner(self) -> QRectF:
        """The rectangle between the centres of the corner tiles: where x and y are 0 and 1."""
        tile_w, tile_h = self.width() / COLUMNS, self.height() / ROWS
        return QRectF(
            tile_w / 2,
            tile_h / 2,
            max(1.0, self.width() - tile_w),
            max(1.0, self.height() - tile_h),
        )

    def _place_at(self, place: QPointF) -> tuple[float, float]:
        inner = self._inner()
        return (place.x() - inner.left()) / inner.width(), (
            place.y() - inner.top()
        ) / inner.height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Carpet, corner labels, point."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setClipPath(outline)
        ground = self.palette().color(QPalette.ColorRole.Base)
        tile_w, tile_h = self.width() / COLUMNS, self.height() / ROWS
        for row in range(ROWS):
            for column in range(COLUMNS):
                place = QRectF(
                    column * tile_w, row * tile_h, tile_w - GAP_PX / 2, tile_h - GAP_PX / 2
                )
                tile = self._tiles.get((column, row))
                if tile is None:
                    painter.fillRect(place, ground)
                else:
                    painter.drawImage(place, tile)
        if not self.isEnabled() or not self._walks or self._point is None:
            veil = QColor(ground)
            veil.setAlpha(180)
            painter.fillRect(self.rect(), veil)
        self._paint_labels(painter)
        if self._point is not None:
            self._paint_point(painter, *self._point)
        painter.setClipping(False)
        if self.hasFocus():
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)

    def _paint_labels(self, painter: QPainter) -> None:
        font = QFont(self.font())
        font.setPixelSize(max(9, font.pixelSize() - 2))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        for i, label in enumerate(self._labels):
            if not label:
                continue
            wide, high = metrics.horizontalAdvance(label) + 10, metrics.height() + 2
            x = self.width() - wide - 5 if i % 2 else 4
            y = self.height() - high - 5 if i >= 2 else 4
            place = QRectF(x, y, wide, high)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(0, 0, 0, 170))
            painter.drawRoundedRect(place, high / 2, high / 2)
            painter.setPen(QColor("white"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, label)

    def _paint_point(self, painter: QPainter, x: float, y: float) -> None:
        inner = self._inner()
        centre = QPointF(inner.left() + x * inner.width(), inner.top() + y * inner.height())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 150), 5))
        painter.drawEllipse(centre, 8, 8)
        painter.setPen(QPen(QColor("white"), 2.5))
        painter.drawEllipse(centre, 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Highlight))
        painter.drawEllipse(centre, 4, 4)
