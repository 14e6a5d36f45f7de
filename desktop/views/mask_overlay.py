"""A mask on the picture, painted by hand."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter

from desktop.brush import Disc, Spot
from desktop.views.canvas_overlay import Overlay, View

VEIL = QColor(20, 20, 40, 120)


class MaskOverlay(Overlay):
    """The hand paints, with Shift it wipes."""

    def __init__(self, painted: Callable[[Spot, bool], None], ended: Callable[[], None]) -> None:
        self._painted, self._ended = painted, ended
        self._mask: tuple[Disc, ...] = ()
        self._painting = False

    def show_mask(self, mask: tuple[Disc, ...]) -> None:
        """Show a mask."""
        self._mask = mask
        self.changed()

    def press(self, event: QMouseEvent, view: View) -> bool:
        """Begin to paint."""
        left = event.button() == Qt.MouseButton.LeftButton
        if not left or not view.place.contains(event.position()):
            return False
        self._painting = True
        self.move(event, view)
        return True

    def move(self, event: QMouseEvent, view: View) -> None:
        """A dab."""
        if self._painting:
            wipe = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._painted(share_of(event.position(), view), wipe)

    def release(self, event: QMouseEvent, view: View) -> None:
        """The hand is off."""
        if self._painting:
            self._painting = False
            self._ended()

    def paint(self, painter: QPainter, view: View) -> None:
        """The veil, where there is a mask."""
        if self._mask:
            paint_veil(painter, view, self._mask)


def share_of(point: QPointF, view: View) -> Spot:
    """A point of the canvas in shares of the picture."""
    at = view.to_picture(point)
    x, y = at.x() / view.size[0], at.y() / view.size[1]
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def paint_veil(painter: QPainter, view: View, mask: tuple[Disc, ...]) -> None:
    """A veil over the picture with holes where the mask is."""
    wide, high = round(view.place.width()), round(view.place.height())
    veil = QImage(max(1, wide), max(1, high), QImage.Format.Format_ARGB32_Premultiplied)
    veil.fill(VEIL)
    inside = QPainter(veil)
    inside.setRenderHint(QPainter.RenderHint.Antialiasing)
    inside.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    inside.setPen(Qt.PenStyle.NoPen)
    inside.setBrush(QColor("white"))
    for x, y, radius in mask:
        inside.drawEllipse(QPointF(x * wide, y * high), radius * wide, radius * high)
    inside.end()
    painter.drawImage(view.place.topLeft(), veil)
