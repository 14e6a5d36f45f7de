"""A square on a photo, moved, sized and turned by its handles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen, QPolygonF

from desktop.squares import Square, corner, drawn_to, turned
from desktop.theme import current
from desktop.views.canvas_overlay import Overlay, View

HANDLE_PX = 7
NEAR_PX = 14
STALK_PX = 34  # from the upper edge to the handle that turns
CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))
LEVEL_DEGREES = 1.5  # nearer than this it snaps upright


class CropOverlay(Overlay):
    """Corners size, the handle below the upper edge turns, the inside moves. Arrows move, plus and
    minus size, comma and period turn; Shift is fine.

    told: of every square that is wished for; ended: a gesture is over.
    """

    def __init__(self, told: Callable[[Square], None], ended: Callable[[str], None]) -> None:
        self._told = told
        self._ended = ended
        self.square = Square()
        self._held: tuple[str, QPointF, Square] | None = None

    def show_square(self, square: Square) -> None:
        """Where the square lies."""
        self.square = square
        self.changed()

    def _corner(self, view: View, across: int, down: int) -> QPointF:
        return view.to_canvas(QPointF(*corner(self.square, across, down)))

    def knob(self, view: View) -> QPointF:
        """The handle that turns, on the canvas."""
        half = self.square.side * view.scale / 2
        dx, dy = turned(0.0, -half + min(STALK_PX, half / 2), self.square.rotation)
        return self._middle(view) + QPointF(dx, dy)

    def _middle(self, view: View) -> QPointF:
        return view.to_canvas(QPointF(self.square.x, self.square.y))

    def paint(self, painter: QPainter, view: View) -> None:
        """A veil outside, thirds inside, handles at the corners and for the turn."""
        corners = [self._corner(view, *place) for place in CORNERS]
        outside = QPainterPath()
        outside.addRect(view.place)
        inside = QPainterPath()
        inside.addPolygon(QPolygonF(corners))
        inside.closeSubpath()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(outside.subtracted(inside), QColor(0, 0, 0, 140))
        painter.setPen(QPen(QColor(255, 255, 255, 90), 1))
        for share in (1 / 3, 2 / 3):
            for a, b, c, d in ((0, 1, 3, 2), (0, 3, 1, 2)):
                painter.drawLine(
                    corners[a] + (corners[b] - corners[a]) * share,
                    corners[c] + (corners[d] - corners[c]) * share,
                )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, wide in ((QColor(0, 0, 0, 110), 4), (QColor("white"), 2)):  # on any ground
            painter.setPen(QPen(colour, wide))
            painter.drawPolygon(QPolygonF(corners))
        knob = self.knob(view)
        painter.drawLine((corners[0] + corners[1]) / 2, knob)
        painter.setBrush(QColor(current().accent))
        for place in corners:
            painter.drawEllipse(place, HANDLE_PX, HANDLE_PX)
        painter.setBrush(QColor("white"))
        painter.setPen(QPen(QColor(current().accent), 3))
        painter.drawEllipse(knob, HANDLE_PX, HANDLE_PX)

    def press(self, event: QMouseEvent, view: View) -> bool:
        """Take a corner, the handle that turns, or the whole square."""
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        at = event.position()
        held = self._at(at, view)
        if held:
            self._held = (held, view.to_picture(at), self.square)
        return bool(held)

    def _at(self, at: QPointF, view: View) -> str:
        for i, place in enumerate(CORNERS):
            if (self._corner(view, *place) - at).manhattanLength() <= NEAR_PX:
                return str(i)
        if (self.knob(view) - at).manhattanLength() <= NEAR_PX:
            return "turn"
        point = view.to_picture(at)
        dx, dy = turned(point.x() - self.square.x, point.y() - self.square.y, -self.square.rotation)
        return "whole" if max(abs(dx), abs(dy)) <= self.square.side / 2 else ""

    def move(self, event: QMouseEvent, view: View) -> None:
        """The opposite corner stays; a turn is about the middle."""
        if self._held is None:
            return
        name, start, square = self._held
        point = view.to_picture(event.position())
        moved = point - start
        if name == "whole":
            self._told(replace(square, x=square.x + moved.x(), y=square.y + moved.y()))
        elif name == "turn":
            was = math.atan2(start.y() - square.y, start.x() - square.x)
            now = math.atan2(point.y() - square.y, point.x() - square.x)
            turn = square.rotation - math.degrees(now - was)
            upright = abs((turn + 180) % 360 - 180) < LEVEL_DEGREES
            self._told(replace(square, rotation=0.0 if upright else round(turn, 1)))
        else:
            across, down = CORNERS[int(name)]
            x, y = corner(square, across, down)
            self._told(drawn_to(square, across, down, x + moved.x(), y + moved.y()))

    def release(self, event: QMouseEvent, view: View) -> None:
        """Let go."""
        if self._held is not None:
            held, self._held = self._held[0], None
            self._ended({"whole": "Move the square", "turn": "Turn the square"}.get(held, "Crop"))

    def key(self, event: QKeyEvent) -> bool:
        """Arrows move, plus and minus size, comma and period turn."""
        square = self.square
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        step, turn = (1.0, 0.2) if fine else (square.side / 20, 2.0)
        x, y, key = square.x, square.y, Qt.Key
        wishes = {
            key.Key_Left: replace(square, x=x - step), key.Key_Right: replace(square, x=x + step),
            key.Key_Up: replace(square, y=y - step), key.Key_Down: replace(square, y=y + step),
            key.Key_Plus: replace(square, side=square.side + step),
            key.Key_Equal: replace(square, side=square.side + step),
            key.Key_Minus: replace(square, side=square.side - step),
            key.Key_Comma: replace(square, rotation=round(square.rotation + turn, 2)),
            key.Key_Less: replace(square, rotation=round(square.rotation + turn, 2)),
            key.Key_Period: replace(square, rotation=round(square.rotation - turn, 2)),
            key.Key_Greater: replace(square, rotation=round(square.rotation - turn, 2)),
        }  # fmt: skip
        wish = wishes.get(Qt.Key(event.key()))
        if wish is None:
            return False
        self._told(wish)
        self._ended("Crop by keys")
        return True
