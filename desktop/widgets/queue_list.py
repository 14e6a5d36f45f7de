"""The list of a queue: a small picture, words, and how far each is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from desktop.facts import QueueRow
from desktop.theme import current

ROW_PX, PICTURE_PX, MOST_ROWS = 52, 40, 6
ROW = Qt.ItemDataRole.UserRole
TOLD = {
    "waiting": "waiting",
    "running": "being made",
    "done": "done",
    "failed": "failed",
    "stopped": "stopped",
}
Index = QModelIndex | QPersistentModelIndex


class QueueList(QListWidget):
    """Return shows a picture, Delete takes it away, Alt with the arrows moves it."""

    shown = Signal(int)  # key of the row
    removed = Signal(int)
    moved = Signal(int, int)  # key, step

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setItemDelegate(_Rows(self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.itemActivated.connect(lambda item: self.shown.emit(item.data(ROW).key))

    @property
    def key(self) -> int | None:
        """The row that is chosen."""
        item = self.currentItem()
        row: QueueRow | None = None if item is None else item.data(ROW)
        return None if row is None else row.key

    def show_rows(self, rows: Sequence[QueueRow]) -> None:
        """Another state of the queue; the choice stays with its picture."""
        key = self.key
        while self.count() > len(rows):
            self.takeItem(self.count() - 1)
        while self.count() < len(rows):
            self.addItem(QListWidgetItem())
        for place, row in enumerate(rows):
            item = self.item(place)
            if item.data(ROW) == row:
                continue
            item.setData(ROW, row)
            words = f"{row.words.replace(chr(10), ', ')}: {TOLD[row.stage]}"
            item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
            item.setToolTip(f"{words}. {row.note}" if row.note else words)
        keys = [row.key for row in rows]
        if key in keys:
            self.setCurrentRow(keys.index(key))
        self.setFixedHeight(min(MOST_ROWS, max(1, len(rows))) * ROW_PX + 6)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete, and Alt with the arrows."""
        key, step = self.key, {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if key is not None and step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.moved.emit(key, step)
        elif key is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit(key)
        else:
            super().keyPressEvent(event)


class _Rows(QStyledItemDelegate):
    """Paints a row in the colours of the theme."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: QueueRow = index.data(ROW)
        colours, area = current(), option.rect.adjusted(4, 2, -4, -2)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(colours.accent_soft))
            painter.drawRoundedRect(area, 6, 6)
        box = QRect(area.left() + 4, area.top() + 4, PICTURE_PX, PICTURE_PX)
        if row.image is not None:
            painter.drawImage(box, row.image)
        else:
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(box, 4, 4)
        room = QRect(box.right() + 10, box.top() + 1, area.right() - box.right() - 18, 18)
        first, _, second = row.words.partition("\n")
        state = row.note if row.stage == "failed" else TOLD[row.stage]
        second = second if row.stage in ("waiting", "running") else f"{second}, {state}"
        for words, colour in ((first, colours.text), (second, colours.muted)):
            painter.setPen(QPen(QColor(colour)))
            short = painter.fontMetrics().elidedText(
                words, Qt.TextElideMode.ElideRight, room.width()
            )
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, short)
            room.translate(0, 17)
        if row.stage == "running":
            track = QRect(room.left(), box.bottom() - 2, room.width(), 3)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(track, 1.5, 1.5)
            track.setWidth(round(track.width() * row.fraction))
            painter.setBrush(QColor(colours.accent))
            painter.drawRoundedRect(track, 1.5, 1.5)
        painter.restore()
