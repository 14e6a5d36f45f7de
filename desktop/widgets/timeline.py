"""Pictures along a line of time: keys that can be moved, and where the film stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDropEvent,
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

from desktop.widgets.recipe_drag import DataOf, carries, take_along, text_of

KEY_PX = 46
TRACK_PX = 18
OUT_PX = 16  # so far above or below, a key leaves for another panel
HIGH_PX = KEY_PX + TRACK_PX + 14


@dataclass(frozen=True)
class TimeKey:
    """A picture and its time in seconds."""

    time_s: float
    image: QImage | None


class Timeline(QWidget):
    """Drag a key to move it, the track to look along the film; click a key to show it, Delete
    takes it away. Arrows look along, Tab goes on."""

    scrubbed = Signal(float)  # share of the film
    scrub_ended = Signal()
    key_moved = Signal(int, float)  # index, seconds
    key_move_ended = Signal()
    key_chosen = Signal(int)
    key_removed = Signal(int)
    dropped = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys: tuple[TimeKey, ...] = ()
        self._length = 1.0
        self._share = 0.0
        self._chosen: int | None = None
        self._held: tuple[str, int, bool] | None = None
        self._data_of: DataOf | None = None
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: drag a key to move it, the line below to look along the film; a key drawn "
            "up or down goes to another panel"
        )
        self.setFixedHeight(HIGH_PX)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_drag(self, data_of: DataOf) -> None:
        """Let keys be taken to other panels, upward or downward. data_of: by a key's index."""
        self._data_of = data_of

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(312, HIGH_PX)

    def set_film(self, keys: Sequence[TimeKey], length_s: float, share: float) -> None:
        """Show keys, and where the film stands."""
        self._keys, self._length, self._share = tuple(keys), max(length_s, 0.001), share
        if self._chosen is not None and self._chosen >= len(keys):
            self._chosen = None
        self.setAccessibleDescription(f"{len(keys)} keys, {share * length_s:.1f} s")
        self.update()

    def _x_of(self, time_s: float) -> float:
        return KEY_PX / 2 + time_s / self._length * (self.width() - KEY_PX)

    def _share_at(self, x: float) -> float:
        return min(max((x - KEY_PX / 2) / max(1.0, self.width() - KEY_PX), 0.0), 1.0)

    def place_of(self, index: int) -> QRectF:
        """The rectangle of a key's picture."""
        return QRectF(self._x_of(self._keys[index].time_s) - KEY_PX / 2, 2, KEY_PX, KEY_PX)

    def _key_at(self, point: QPointF) -> int | None:
        for index in reversed(range(len(self._keys))):
            if self.place_of(index).contains(point):
                return index
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a key, or look along."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        index = self._key_at(event.position())
        if index is None:
            self._held = ("scrub", 0, True)
            self.scrubbed.emit(self._share_at(event.position().x()))
        else:
            self._chosen = index
            self._held = ("key", index, False)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move a key, or look along."""
        if self._held is None:
            return
        kind, index, moved = self._held
        share = self._share_at(event.position().x())
        inside = -OUT_PX < event.position().y() < self.height() + OUT_PX
        if kind == "key" and not inside and self._data_of is not None:
            self._held = None
            self.key_move_ended.emit()
            take_along(self, self._data_of(index), self._keys[index].image)
            return
        if kind == "scrub":
            self.scrubbed.emit(share)
        elif moved or abs(event.position().x() - self.place_of(index).center().x()) > 6:
            self._held = (kind, index, True)
            self.key_moved.emit(index, round(share * self._length, 2))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go: a key that did not move was clicked."""
        if self._held is not None:
            kind, index, moved = self._held
            self._held = None
            if kind == "scrub":
                self.scrub_ended.emit()
            elif moved:
                self.key_move_ended.emit()
            else:
                self.key_chosen.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right look along; Delete takes the chosen key away."""
        step = {Qt.Key.Key_Left: -0.02, Qt.Key.Key_Right: 0.02}.get(Qt.Key(event.key()), 0.0)
        if step:
            self.scrubbed.emit(min(max(self._share + step, 0.0), 1.0))
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            if self._chosen is not None:
                self.key_removed.emit(self._chosen)
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a picture of this program."""
        if carries(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """It becomes the last key."""
        self.dropped.emit(text_of(event))
        event.acceptProposedAction()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track, keys, playhead."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        palette = self.palette()
        y = KEY_PX + 6 + TRACK_PX / 2
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Base), 4))
        painter.drawLine(QPointF(KEY_PX / 2, y), QPointF(self.width() - KEY_PX / 2, y))
        for index, key in enumerate(self._keys):
            place = self.place_of(index)
            outline = QPainterPath()
            outline.addRoundedRect(place, 5, 5)
            painter.save()
            painter.setClipPath(outline)
            if key.image is None:
                painter.fillRect(place, palette.color(QPalette.ColorRole.Base))
            else:
                painter.drawImage(place, key.image)
            painter.restore()
            accent = palette.color(QPalette.ColorRole.Highlight)
            chosen = index == self._chosen
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if chosen:
                painter.setPen(QPen(accent, 2))
                painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 5, 5)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent if chosen else palette.color(QPalette.ColorRole.Mid))
            painter.drawEllipse(QPointF(self._x_of(key.time_s), y), 4, 4)
        if self._keys:
            x = self._x_of(self._share * self._length)
            painter.setPen(QPen(QColor(palette.color(QPalette.ColorRole.Highlight)), 2))
            painter.drawLine(QPointF(x, KEY_PX + 4), QPointF(x, HIGH_PX - 4))
            painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
            painter.drawEllipse(QPointF(x, y), 6, 6)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
