"""What can lie over the picture on the canvas and take the hand first: points, masks, a crop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter


@dataclass(frozen=True)
class View:
    """Where the picture lies on the canvas, and its size in pixels of its own."""

    place: QRectF
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Screen pixels for one picture pixel."""
        return self.place.width() / max(1, self.size[0])

    def to_picture(self, point: QPointF) -> QPointF:
        """A point of the canvas in picture pixels."""
        moved = point - self.place.topLeft()
        return QPointF(moved.x() / self.scale, moved.y() / self.scale)

    def to_canvas(self, point: QPointF) -> QPointF:
        """A point of the picture on the canvas."""
        return self.place.topLeft() + point * self.scale


class Overlay:
    """Paints over the picture. Every method gets the view in force."""

    changed: Callable[[], None] = staticmethod(lambda: None)

    def paint(self, painter: QPainter, view: View) -> None:
        """Draw."""

    def press(self, event: QMouseEvent, view: View) -> bool:
        """A button went down; True takes the hand until it is up."""
        return False

    def move(self, event: QMouseEvent, view: View) -> None:
        """The hand moved."""

    def release(self, event: QMouseEvent, view: View) -> None:
        """The button is up."""

    def key(self, event: QKeyEvent) -> bool:
        """A key went down; True where it was for the overlay."""
        return False
