"""Handles, targets and a mask on the picture."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF

from desktop.brush import Spot
from desktop.facts import DragView
from desktop.views.canvas_overlay import Overlay, View
from desktop.views.mask_overlay import paint_veil, share_of

RADIUS_PX = 7
NEAR_PX = 16
FROM, TO = QColor("#e5484d"), QColor("#3e8bff")


class DragOverlay(Overlay):
    """A press sets a handle and pulls out its target; points can be moved; right-click takes a
    pair away. In mask mode the hand paints what may move, with Shift it wipes."""

    def __init__(
        self,
        placed: Callable[[Spot, Spot], None],
        moved: Callable[[int, bool, Spot], None],
        removed: Callable[[int], None],
        painted: Callable[[Spot, bool], None],
        ended: Callable[[], None],
    ) -> None:
        self._placed, self._moved, self._removed = placed, moved, removed
        self._painted, self._ended = painted, ended
        self._view = DragView()
        self._new: tuple[Spot, Spot] | None = None
        self._held: tuple[int, bool] | None = None
        self._painting = False

    def show_drag(self, view: DragView) -> None:
        """Show points, mask and mode."""
        self._view = view
        self.changed()

    def _spot(self, share: Spot, view: View) -> QPointF:
        return view.to_canvas(QPointF(share[0] * view.size[0], share[1] * view.size[1]))

    def _near(self, point: QPointF, view: View) -> tuple[int, bool] | None:
        for i, (handle, target) in enumerate(zip(self._view.handles, self._view.targets,
                                                 strict=True)):  # fmt: skip
            for is_target, share in ((True, target), (False, handle)):
                if (self._spot(share, view) - point).manhattanLength() <= NEAR_PX:
                    return i, is_target
        return None

    def press(self, event: QMouseEvent, view: View) -> bool:
        """Take a point, set a new one, or begin to paint."""
        if self._view.running or not view.place.contains(event.position()):
            return False
        near = self._near(event.position(), view)
        if event.button() == Qt.MouseButton.RightButton:
            if near is not None:
                self._removed(near[0])
            return near is not None
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if self._view.masking:
            self._painting = True
            self._dab(event, view)
        elif near is not None:
            self._held = near
        else:
            share = share_of(event.position(), view)
            self._new = (share, share)
        return True

    def move(self, event: QMouseEvent, view: View) -> None:
        """Pull, move or paint."""
        share = share_of(event.position(), view)
        if self._painting:
            self._dab(event, view)
        elif self._held is not None:
            self._moved(*self._held, share)
        elif self._new is not None:
            self._new = (self._new[0], share)
            self.changed()

    def release(self, event: QMouseEvent, view: View) -> None:
        """Let go: a pull of some pixels is a pair."""
        if self._new is not None:
            handle, target = self._new
            self._new = None
            pulled = (self._spot(handle, view) - self._spot(target, view)).manhattanLength()
            if pulled > RADIUS_PX:
                self._placed(handle, target)
            self.changed()
        elif self._held is not None or self._painting:
            self._ended()
        self._held, self._painting = None, False

    def _dab(self, event: QMouseEvent, view: View) -> None:
        wipe = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._painted(share_of(event.position(), view), wipe)

    def key(self, event: QKeyEvent) -> bool:
        """Delete takes the last pair away."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._view.handles:
            self._removed(len(self._view.handles) - 1)
            return True
        return False

    def paint(self, painter: QPainter, view: View) -> None:
        """Mask, arrows, points."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._view.mask:
            paint_veil(painter, view, self._view.mask)
        pairs = list(zip(self._view.handles, self._view.targets, strict=True))
        if self._new is not None:
            pairs.append(self._new)
        for handle, target in pairs:
            start, end = self._spot(handle, view), self._spot(target, view)
            self._paint_arrow(painter, start, end)
            for spot, colour in ((end, TO), (start, FROM)):
                painter.setPen(QPen(QColor("white"), 2))
                painter.setBrush(colour)
                painter.drawEllipse(spot, RADIUS_PX, RADIUS_PX)

    def _paint_arrow(self, painter: QPainter, start: QPointF, end: QPointF) -> None:
        way = end - start
        length = (way.x() ** 2 + way.y() ** 2) ** 0.5
        if length < 2 * RADIUS_PX:
            return
        painter.setPen(QPen(QColor(0, 0, 0, 130), 5))
        painter.drawLine(start, end)
        painter.setPen(QPen(QColor("white"), 2))
        painter.drawLine(start, end)
        unit = way / length
        tip, across = end - unit * (RADIUS_PX + 1), QPointF(-unit.y(), unit.x())
        painter.setBrush(QColor("white"))
        painter.drawPolygon(
            QPolygonF([tip, tip - unit * 9 + across * 5, tip - unit * 9 - across * 5])
        )
