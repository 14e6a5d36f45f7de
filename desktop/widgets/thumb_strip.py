"""A strip of small pictures that can be walked, chosen and starred."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from desktop.widgets.icons import pixmap
from desktop.widgets.recipe_drag import DRAG_PX, take_along

Index = QModelIndex | QPersistentModelIndex
THUMB_PX = 72
STAR_PX = 18
RATINGS = tuple("012345")


@dataclass(frozen=True)
class Thumb:
    """One picture of a strip. `key` comes back when it is chosen."""

    key: Any
    label: str
    image: QImage | None = None
    starred: bool = False
    current: bool = False
    badge: str = ""


class _Thumbs(QAbstractListModel):
    """The pictures in order."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.thumbs: tuple[Thumb, ...] = ()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        return 0 if parent.isValid() else len(self.thumbs)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        thumb = self.thumbs[index.row()]
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return thumb.label + (" (favourite)" if thumb.starred else "")
        return thumb if role == Qt.ItemDataRole.UserRole else None

    def replace(self, thumbs: Sequence[Thumb]) -> None:
        """Show other pictures, with as little stir as possible."""
        old, self.thumbs = self.thumbs, tuple(thumbs)
        if len(old) == len(self.thumbs):
            self.dataChanged.emit(self.index(0), self.index(max(0, len(old) - 1)))
        else:
            self.layoutChanged.emit()


class _Painter(QStyledItemDelegate):
    """Draws a picture with its star and its frame."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(THUMB_PX + 8, THUMB_PX + 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        thumb: Thumb = index.data(Qt.ItemDataRole.UserRole)
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        rect = picture_place(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        outline = QPainterPath()
        outline.addRoundedRect(rect, 6, 6)
        painter.setClipPath(outline)
        if thumb.image is None:
            # The view's own has none, for its ground is the window's.
            painter.fillRect(rect, QGuiApplication.palette().color(QPalette.ColorRole.Base))
        else:
            painter.drawImage(rect, thumb.image)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        if thumb.starred or hovered:
            spot = star_place(rect)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(0, 0, 0, 140))
            painter.drawEllipse(spot.adjusted(-1, -1, 1, 1))
            name = "star-full" if thumb.starred else "star"
            painter.drawPixmap(
                spot.adjusted(3, 3, -3, -3).toRect(), pixmap(name, "#ffffff", STAR_PX * 2)
            )
        if thumb.badge:
            metrics = painter.fontMetrics()
            wide = metrics.horizontalAdvance(thumb.badge) + 8
            place = QRectF(rect.left() + 3, rect.bottom() - 19, wide, 16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(0, 0, 0, 150))
            painter.drawRoundedRect(place, 4, 4)
            painter.setPen(QColor("white"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, thumb.badge)
        painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        if thumb.current or focused or hovered:
            accent = palette.color(QPalette.ColorRole.Highlight)
            line = palette.color(QPalette.ColorRole.Mid)
            painter.setPen(QPen(accent if thumb.current or focused else line, 2))
            painter.drawRoundedRect(rect.adjusted(-2, -2, 2, 2), 8, 8)
        painter.restore()


def picture_place(cell: QRect) -> QRectF:
    """The square of a picture in its cell, which the view may have stretched."""
    return QRectF(cell.left() + 4, cell.top() + 4, THUMB_PX, THUMB_PX)


def star_place(rect: QRectF) -> QRectF:
    """Where the star of a picture is."""
    return QRectF(rect.right() - STAR_PX - 3, rect.top() + 3, STAR_PX, STAR_PX)


class ThumbStrip(QListView):
    """Click or Return chooses; a click on the star, or S, keeps or lets go."""

    chosen = Signal(object)  # key
    starred = Signal(object)  # key
    menu_wanted = Signal(object, QPoint)  # key, global position
    pointed = Signal(object)  # key of the picture with the focus, None for none
    rated = Signal(object, int)  # key, stars; where pictures are rated

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbs = _Thumbs(self)
        self._data_of: Callable[[Any], QMimeData] | None = None
        self.rates = False  # whether 0 to 5 are stars
        self._pressed: int | None = None
        self._press_at = QPointF()
        self.setModel(self._thumbs)
        self.setItemDelegate(_Painter(self))
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: click or Return takes a picture back, S or the star keeps it, "
            "a drag takes it along, out of the window as a signed file"
        )
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFixedHeight(THUMB_PX + 8 + 4 + 12)

    @property
    def count(self) -> int:
        """How many pictures it shows."""
        return len(self._thumbs.thumbs)

    @property
    def key(self) -> Any:
        """Of the picture with the focus, None for none."""
        row = self.currentIndex().row()  # -1 for none; the strip may have become shorter
        return self._thumbs.thumbs[row].key if 0 <= row < self.count else None

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Another picture has the focus."""
        super().currentChanged(current, previous)
        self.pointed.emit(self.key)

    def set_drag(self, data_of: Callable[[Any], QMimeData]) -> None:
        """Let pictures be dragged elsewhere. data_of: what goes along, by the picture's key."""
        self._data_of = data_of

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Beyond a few pixels the picture goes along."""
        index = self._pressed
        held = bool(event.buttons() & Qt.MouseButton.LeftButton)
        far = (event.position() - self._press_at).manhattanLength() > DRAG_PX
        if index is None or not held or not far or self._data_of is None:
            super().mouseMoveEvent(event)
            return
        self._pressed = None
        thumb = self._thumbs.thumbs[index]
        take_along(self, self._data_of(thumb.key), thumb.image)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a drag may begin."""
        index = self.indexAt(event.position().toPoint())
        self._pressed = index.row() if index.isValid() else None
        self._press_at = event.position()
        super().mousePressEvent(event)

    def set_thumbs(self, thumbs: Sequence[Thumb]) -> None:
        """Show these pictures; the newest is last and is scrolled to when it is new."""
        more = len(thumbs) > self._thumbs.rowCount()
        self._thumbs.replace(thumbs)
        if more:
            self.scrollToEnd()

    def scrollToEnd(self) -> None:
        """Bring the newest into view."""
        last = self._thumbs.index(self._thumbs.rowCount() - 1)
        if last.isValid():
            self.scrollTo(last)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Star or choose."""
        index = self.indexAt(event.position().toPoint())
        pressed, self._pressed = self._pressed, None
        if index.row() == pressed and event.button() == Qt.MouseButton.LeftButton:
            rect = picture_place(self.visualRect(index))
            key = self._thumbs.thumbs[index.row()].key
            if star_place(rect).contains(event.position()):
                self.starred.emit(key)
            else:
                self.chosen.emit(key)
        super().mouseReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu of a picture."""
        index = self.indexAt(event.pos())
        if index.isValid():
            self.menu_wanted.emit(self._thumbs.thumbs[index.row()].key, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return chooses, S keeps."""
        index = self.currentIndex()
        if index.isValid() and event.key() in (
            Qt.Key.Key_Return,
            Qt.Key.Key_Enter,
            Qt.Key.Key_Space,
        ):
            self.chosen.emit(self._thumbs.thumbs[index.row()].key)
        elif index.isValid() and event.key() == Qt.Key.Key_S:
            self.starred.emit(self._thumbs.thumbs[index.row()].key)
        elif index.isValid() and self.rates and event.text() in RATINGS:
            self.rated.emit(self._thumbs.thumbs[index.row()].key, int(event.text()))
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """S, and where pictures are rated 0 to 5, belong to the strip that has the focus."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and (event.key() == Qt.Key.Key_S or (self.rates and event.text() in RATINGS))
            and not event.modifiers()
        ):
            event.accept()
            return True
        return super().event(event)
