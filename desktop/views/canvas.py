"""The picture on neutral ground."""

from __future__ import annotations

from collections.abc import Hashable

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.display import Shown, apart
from desktop.views.canvas_hand import BY_KEYBOARD, CONTROL, DRAG_PX, PANS, WHEEL_ZOOM
from desktop.views.canvas_overlay import Overlay, View
from desktop.views.canvas_paint import (
    HANDLE_PX,
    paint_beside,
    paint_focus,
    paint_hint,
    paint_picture,
    paint_sides,
    paint_wipe,
)
from desktop.views.plane_hand import dragged, keyed, turned
from desktop.views.viewport import Viewport


class Canvas(QWidget):
    """Shows one picture, and a pinned one beside it behind a wipe.

    Wheel zooms at the pointer; space-drag or the middle button pans; the wipe's handle is dragged;
    a plain drag takes the picture to another program.
    `painted` tells which picture a paintEvent put on the screen.
    """

    painted = Signal(object)  # key
    view_changed = Signal(float, bool)  # scale in force, fitted
    menu_wanted = Signal(QPoint)  # global position
    plane_moved = Signal(float, float, float)  # right, down (picture widths), degrees
    plane_rested = Signal()
    drag_wanted = Signal()  # the picture is being pulled out of the window

    def __init__(self, name: str, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewport = Viewport()
        self._picture: Shown | None = None
        self._key: Hashable = None
        self._hint = hint
        self._pinned: Shown | None = None
        self._wipe: float | None = None
        self._beside = ""  # "side" or "difference", instead of the wipe
        self._apart: Shown | None = None  # the difference of the two pictures
        self._smooth = True
        self._busy = False
        self._ringed = False  # the focus came by keyboard
        self._space = False
        self._overlay: Overlay | None = None
        self._moving = False  # drags move the picture's plane
        self._drag: tuple[str, QPointF] | None = None  # what is dragged, last place
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(name)
        self.setAccessibleDescription(
            "Wheel zooms at the pointer, space-drag or the middle button pans, arrows pan, "
            "double-click changes between fitted and actual size, a drag takes a signed copy along"
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(240, 200))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # --- what is shown

    def show_picture(self, picture: Shown | None, key: Hashable = None) -> None:
        """Show a picture; `key` comes back with `painted`."""
        old = self._size()
        self._picture, self._key = picture, key
        if self._size() != old:
            self._tell_view()
        self._find_difference()
        self.update()

    @property
    def picture(self) -> Shown | None:
        """What is shown."""
        return self._picture

    def set_hint(self, hint: str) -> None:
        """What an empty canvas says to do."""
        self._hint = hint
        self.update()

    def set_smooth(self, smooth: bool) -> None:
        """Smooth enlargement, or the bare pixels."""
        self._smooth = smooth
        self.update()

    def set_moving(self, moving: bool) -> None:
        """Whether hands and keys move the plane that the picture is made on."""
        self._moving = moving
        self._point(False)

    def set_busy(self, busy: bool) -> None:
        """Whether a better picture is on its way."""
        self._busy = busy

    @property
    def is_pinned(self) -> bool:
        """Whether a picture is pinned for comparison."""
        return self._pinned is not None

    @property
    def wiping(self) -> bool:
        """Whether the pinned picture shows behind the wipe."""
        return self._wipe is not None

    def pin(self) -> None:
        """Keep the picture of now for comparison, and show the wipe."""
        if self._picture is not None:
            self._pinned = self._picture
            self._find_difference()
            if not self._beside:
                self.set_wiping(True)

    def set_wiping(self, wiping: bool) -> None:
        """Show or hide the pinned picture behind the wipe."""
        self._wipe = 0.5 if wiping and self._pinned is not None else None
        self._beside = "" if wiping else self._beside
        self.update()

    def set_beside(self, how: str) -> None:
        """Compare with the pinned picture "side" by side, by their "difference", or not: ""."""
        self._beside = how if self._pinned is not None else ""
        self._wipe = None
        self._find_difference()
        self.update()

    def _find_difference(self) -> None:
        here, there = self._picture, self._pinned
        wanted = self._beside == "difference" and here is not None and there is not None
        self._apart = apart(here, there) if wanted and here and there else None

    def set_overlay(self, overlay: Overlay | None) -> None:
        """Lay something over the picture that takes the hand first; None for nothing."""
        self._overlay = overlay
        if overlay is not None:
            overlay.changed = self.update
        self.update()

    def _view(self) -> View:
        return View(self._place(), self._size())

    def fit(self) -> None:
        """The whole picture, as large as it goes."""
        self._set_viewport(Viewport())

    def actual_size(self) -> None:
        """One picture pixel for one screen pixel."""
        self._set_viewport(Viewport(1.0 / self.devicePixelRatioF()))

    def zoom(self, factor: float) -> None:
        """Zoom at the middle."""
        middle = (self.width() / 2, self.height() / 2)
        self._set_viewport(self.viewport.zoomed(factor, middle, self._canvas(), self._size()))

    def _set_viewport(self, viewport: Viewport) -> None:
        self.viewport = viewport
        self._tell_view()
        self.update()

    def _tell_view(self) -> None:
        scale = self.viewport.scale_on(self._canvas(), self._size())
        self.view_changed.emit(scale * self.devicePixelRatioF(), self.viewport.scale is None)

    def _canvas(self) -> tuple[int, int]:
        return self.width(), self.height()

    def _size(self) -> tuple[int, int]:
        return (self._picture.width, self._picture.height) if self._picture else (1, 1)

    def _place(self) -> QRectF:
        return QRectF(*self.viewport.place(self._canvas(), self._size()))

    # --- hands

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        turn = event.angleDelta().y() / 120
        at = (event.position().x(), event.position().y())
        self._set_viewport(self.viewport.zoomed(WHEEL_ZOOM**turn, at, self._canvas(), self._size()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, to wipe, or to pull the picture out."""
        left = event.button() == Qt.MouseButton.LeftButton
        free = self._overlay is not None and not self._space and self._picture is not None
        if free and self._overlay is not None and self._overlay.press(event, self._view()):
            self._drag = ("overlay", event.position())
        elif event.button() == Qt.MouseButton.MiddleButton or (left and self._space):
            self._drag = ("pan", event.position())
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif left and self._near_wipe(event.position()):
            self._drag = ("wipe", event.position())
        elif left and self._moving:
            turns = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._drag = ("turn" if turns else "move", event.position())
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif left and self._place().contains(event.position()) and self._picture is not None:
            self._drag = ("out", event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan or wipe."""
        if self._drag is None:
            self._point(self._near_wipe(event.position()))
            return
        kind, last = self._drag
        if kind == "overlay" and self._overlay is not None:
            self._overlay.move(event, self._view())
        elif kind == "out":
            if (event.position() - last).manhattanLength() > DRAG_PX:
                self._drag = None
                self.drag_wanted.emit()
            return
        elif kind == "pan":
            moved = event.position() - last
            scale = self.viewport.scale_on(self._canvas(), self._size())
            self._set_viewport(self.viewport.panned(moved.x(), moved.y(), scale))
        elif kind in ("move", "turn"):
            step = (dragged if kind == "move" else turned)(last, event.position(), self._place())
            self.plane_moved.emit(*step)
        else:
            place = self._place()
            part = (event.position().x() - place.left()) / max(1.0, place.width())
            self._wipe = min(max(part, 0.0), 1.0)
            self.update()
        self._drag = (kind, event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if self._drag is not None and self._drag[0] == "overlay" and self._overlay is not None:
            self._overlay.release(event, self._view())
        elif self._drag is not None and self._drag[0] in ("move", "turn"):
            self.plane_rested.emit()
        self._drag = None
        self._point(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Between fitted and actual size."""
        if self._overlay is not None:
            return
        if self.viewport.scale is None:
            self.actual_size()
        else:
            self.fit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu of the picture."""
        self.menu_wanted.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space makes the pointer a hand; arrows pan; with a wipe, comma and period move it."""
        key = Qt.Key(event.key())
        if self._overlay is not None and self._overlay.key(event):
            return
        far = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        step = keyed(key, far) if self._moving and not event.modifiers() & CONTROL else None
        if step is not None:
            self.plane_moved.emit(*step)
        elif key == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif key in PANS:
            scale = self.viewport.scale_on(self._canvas(), self._size())
            self._set_viewport(self.viewport.panned(*PANS[key], scale))
        elif key in (Qt.Key.Key_Comma, Qt.Key.Key_Period) and self._wipe is not None:
            part = 0.05 if key == Qt.Key.Key_Period else -0.05
            self._wipe = min(max(self._wipe + part, 0.0), 1.0)
            self.update()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space is up."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._point(False)
        elif self._moving and keyed(Qt.Key(event.key()), False) and not event.isAutoRepeat():
            self.plane_rested.emit()
        else:
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus to those who came by keyboard."""
        self._ringed = event.reason() in BY_KEYBOARD
        self.update()

    def focusOutEvent(self, event: QEvent) -> None:
        """A key that is let go elsewhere is not held here."""
        self._space = False
        self.update()

    def _point(self, near_wipe: bool) -> None:
        """The pointer tells what a drag would do."""
        shape = Qt.CursorShape.SizeAllCursor if self._moving else Qt.CursorShape.ArrowCursor
        if self._space:
            shape = Qt.CursorShape.OpenHandCursor
        self.setCursor(Qt.CursorShape.SplitHCursor if near_wipe and not self._space else shape)

    def _near_wipe(self, point: QPointF) -> bool:
        if self._wipe is None:
            return False
        place = self._place()
        line = place.left() + self._wipe * place.width()
        return abs(point.x() - line) <= HANDLE_PX and place.top() <= point.y() <= place.bottom()

    # --- paint

    def resizeEvent(self, event: QEvent) -> None:
        """The fitted scale follows the window."""
        self._tell_view()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, picture, pinned picture up to the wipe, focus."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Dark))
        if self._picture is None:
            paint_hint(painter, self.rect(), self._hint, self.devicePixelRatioF())
        else:
            place = self._place()
            if self._beside == "side" and self._pinned is not None:
                place = paint_sides(
                    painter, self.viewport, self._canvas(), self._pinned, self._size(), self._smooth
                )
            paint_picture(painter, self._apart or self._picture, place, self._smooth)
            paint_beside(painter, self._beside, place)
            if self._wipe is not None and self._pinned is not None:
                paint_wipe(painter, self._pinned, place, self._wipe, self._smooth)
            if self._overlay is not None:
                self._overlay.paint(painter, self._view())
        if self.hasFocus() and self._ringed:
            paint_focus(painter, self.rect(), self.palette())
        painter.end()
        if self._picture is not None:
            self.painted.emit(self._key)
