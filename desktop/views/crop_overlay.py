"""A square on a photo, moved and sized by its handles."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen

from desktop.theme import current
from desktop.views.canvas_overlay import Overlay, View

HANDLE_PX = 7
NEAR_PX = 14
LEAST_PX = 8  # of the picture


class CropOverlay(Overlay):
    """left, top and side in pixels of the picture. Corners size, the inside moves; arrows move,
    plus and minus size, Shift is fine."""

    def __init__(self, told: Callable[[int, int, int], None]) -> None:
        self._told = told
        self.square = (0.0, 0.0, 1.0)
        self._size = (1, 1)
        self._held: tuple[str, QPointF, tuple[float, float, float]] | None = None

    def begin(self, width: int, height: int) -> None:
        """The largest square in the middle of a picture."""
        side = min(width, height)
        self._size = (width, height)
        self._set((width - side) / 2, (height - side) / 2, side)

    @property
    def pixels(self) -> tuple[int, int, int]:
        """left, top, side in whole pixels."""
        left, top, side = self.square
        whole = max(1, round(side))
        return (
            min(round(left), self._size[0] - whole),
            min(round(top), self._size[1] - whole),
            whole,
        )

    def _set(self, left: float, top: float, side: float) -> None:
        width, height = self._size
        side = min(max(side, min(LEAST_PX, width, height)), width, height)
        self.square = (
            min(max(left, 0.0), width - side), min(max(top, 0.0), height - side), side,
        )  # fmt: skip
        self._told(*self.pixels)
        self.changed()

    def _rect(self, view: View) -> QRectF:
        left, top, side = self.square
        return QRectF(
            view.to_canvas(QPointF(left, top)), view.to_canvas(QPointF(left + side, top + side))
        )

    def _corners(self, view: View) -> dict[str, QPointF]:
        rect = self._rect(view)
        return {
            "00": rect.topLeft(), "10": rect.topRight(), "01": rect.bottomLeft(),
            "11": rect.bottomRight(),
        }  # fmt: skip

    def paint(self, painter: QPainter, view: View) -> None:
        """A veil outside, thirds inside, handles at the corners."""
        rect = self._rect(view)
        outside = QPainterPath()
        outside.addRect(view.place)
        inside = QPainterPath()
        inside.addRect(rect)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(outside.subtracted(inside), QColor(0, 0, 0, 140))
        painter.setPen(QPen(QColor(255, 255, 255, 90), 1))
        for i in (1, 2):
            x, y = rect.left() + rect.width() * i / 3, rect.top() + rect.height() * i / 3
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor("white"), 2))
        painter.drawRect(rect)
        painter.setBrush(QColor(current().accent))
        for corner in self._corners(view).values():
            painter.drawEllipse(corner, HANDLE_PX, HANDLE_PX)

    def press(self, event: QMouseEvent, view: View) -> bool:
        """Take a corner or the whole square."""
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        at = event.position()
        for name, corner in self._corners(view).items():
            if (corner - at).manhattanLength() <= NEAR_PX:
                self._held = (name, view.to_picture(at), self.square)
                return True
        if self._rect(view).contains(at):
            self._held = ("whole", view.to_picture(at), self.square)
            return True
        return False

    def move(self, event: QMouseEvent, view: View) -> None:
        """The opposite corner stays."""
        if self._held is None:
            return
        name, start, (left, top, side) = self._held
        moved = view.to_picture(event.position()) - start
        if name == "whole":
            self._set(left + moved.x(), top + moved.y(), side)
            return
        grow_x = moved.x() if name[0] == "1" else -moved.x()
        grow_y = moved.y() if name[1] == "1" else -moved.y()
        room_x = self._size[0] - left if name[0] == "1" else left + side
        room_y = self._size[1] - top if name[1] == "1" else top + side
        wanted = max(side + max(grow_x, grow_y, key=abs), LEAST_PX)
        new = min(wanted, room_x, room_y)
        self._set(
            left if name[0] == "1" else left + side - new,
            top if name[1] == "1" else top + side - new,
            new,
        )

    def release(self, event: QMouseEvent, view: View) -> None:
        """Let go."""
        self._held = None

    def key(self, event: QKeyEvent) -> bool:
        """Arrows move, plus and minus size."""
        left, top, side = self.square
        step = 1.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else side / 20
        moves = {
            Qt.Key.Key_Left: (-step, 0.0), Qt.Key.Key_Right: (step, 0.0),
            Qt.Key.Key_Up: (0.0, -step), Qt.Key.Key_Down: (0.0, step),
        }  # fmt: skip
        move = moves.get(Qt.Key(event.key()))
        if move is not None:
            self._set(left + move[0], top + move[1], side)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._set(left - step / 2, top - step / 2, side + step)
        elif event.key() == Qt.Key.Key_Minus:
            self._set(left + step / 2, top + step / 2, side - step)
        else:
            return False
        return True
