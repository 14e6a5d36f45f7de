"""The slider: a track, a fill from the default, a round handle."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

HANDLE_PX = 14
TRACK_PX = 4
FINE = 0.1
REST_MS = 400


class Slider(QAbstractSlider):
    """A float slider on [low, high]. Emits while it moves; `gesture_ended` when a gesture is over.

    Wheel and arrows step and count as one gesture until they rest; the wheel works only where the
    slider has the focus, so that scrolling past it changes nothing. Shift is ten times finer.
    Double-click asks for the default. Dragging and stepping go on past the ends as far as
    `beyond`; the handle rests at the end meanwhile.
    """

    moved = Signal(float)
    gesture_ended = Signal()
    default_wanted = Signal()

    def __init__(
        self,
        name: str,
        low: float,
        high: float,
        default: float,
        step: float,
        parent: QWidget | None = None,
        *,
        beyond: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(parent)
        self._low, self._high, self._default, self._step = low, high, default, step
        self._lowest, self._highest = beyond or (low, high)
        self._at = default
        self._grab: tuple[float, float] | None = None  # x and value where the drag began
        self._dragged = False
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(self.gesture_ended)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(round(low / step), round(high / step))
        self.setValue(round(default / step))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: drag, or focus it and use arrows or wheel. Shift is fine, double-click resets"
        )

    def sizeHint(self) -> QSize:
        """Wide enough to aim, one grid row high."""
        return QSize(120, 24)

    def minimumSizeHint(self) -> QSize:
        """Still usable when the column is narrow."""
        return QSize(56, 24)

    @property
    def at(self) -> float:
        """The value, unclamped."""
        return self._at

    def set_span(self, low: float, high: float) -> None:
        """Other ends; the value stays."""
        if (low, high) != (self._low, self._high):
            self._low, self._high = low, high
            self.setRange(round(low / self._step), round(high / self._step))
            self.update()

    def set_default(self, default: float) -> None:
        """Another value to go back to, and to fill from."""
        if default != self._default:
            self._default = default
            self.update()

    def set_at(self, value: float) -> None:
        """Show a value; emits nothing."""
        if value == self._at:
            return
        self._at = value
        blocked = self.blockSignals(True)
        self.setValue(round(value / self._step))
        self.blockSignals(blocked)
        self.update()

    def step_by(self, steps: float) -> None:
        """Move by steps; the gesture ends when stepping rests."""
        self._go(self._at + steps * self._step, fine=abs(steps) < 1)
        self._rest.start()

    def _go(self, value: float, fine: bool) -> None:
        unit = self._step * FINE if fine else self._step
        value = round(min(max(round(value / unit) * unit, self._lowest), self._highest), 6)
        if value != self._at:
            self.set_at(value)
            self.moved.emit(value)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Grab the handle, or jump to the place that was pressed."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._rest.isActive():
            self._rest.stop()
            self.gesture_ended.emit()
        x = event.position().x()
        if abs(x - self._x_of(self._at)) > HANDLE_PX / 2 + 2:
            self._go(self._value_at(x), fine=False)
        self._grab, self._dragged = (x, self._at), False
        self.setSliderDown(True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, past the end too; Shift moves a tenth as far."""
        if self._grab is None:
            return
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._dragged = True
        x, value = self._grab
        distance = (event.position().x() - x) / max(1.0, self.width() - HANDLE_PX)
        self._go(value + distance * (self._high - self._low) * (FINE if fine else 1.0), fine)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The gesture is over; a click may yet become a double-click, which is one gesture."""
        if self._grab is not None:
            self._grab = None
            self.setSliderDown(False)
            if self._dragged:
                self.gesture_ended.emit()
            else:
                self._rest.start()
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to the default."""
        self._grab = None
        self._rest.stop()
        self.default_wanted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step where focused, else let the column scroll."""
        if not self.hasFocus():
            event.ignore()
            return
        turn = event.angleDelta().y() or event.angleDelta().x()
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.step_by(turn / 120 * (FINE if fine else 1.0))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows step, page keys step ten, Home and End go to the ends, Delete resets."""
        key, fine = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps = {
            Qt.Key.Key_Left: -1.0,
            Qt.Key.Key_Down: -1.0,
            Qt.Key.Key_Right: 1.0,
            Qt.Key.Key_Up: 1.0,
            Qt.Key.Key_PageDown: -10.0,
            Qt.Key.Key_PageUp: 10.0,
        }.get(Qt.Key(key))
        if steps is not None:
            self.step_by(steps * (FINE if fine else 1.0))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go(self._low if key == Qt.Key.Key_Home else self._high, fine=True)
            self._rest.start()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.default_wanted.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track, fill from the default, a tick at the default, the handle."""
        palette = self.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = self.height() / 2
        track = QRectF(HANDLE_PX / 2, middle - TRACK_PX / 2, self.width() - HANDLE_PX, TRACK_PX)
        painter.setBrush(palette.color(QPalette.ColorRole.Light))
        painter.drawRoundedRect(track, TRACK_PX / 2, TRACK_PX / 2)
        here, home = self._x_of(self._at), self._x_of(self._default)
        accent = palette.color(QPalette.ColorRole.Highlight)
        if not self.isEnabled():
            accent = palette.color(QPalette.ColorRole.Mid)
        painter.setBrush(accent)
        fill = QRectF(min(here, home), track.top(), abs(here - home), TRACK_PX)
        painter.drawRoundedRect(fill, TRACK_PX / 2, TRACK_PX / 2)
        if self._low < self._default < self._high:
            painter.setBrush(palette.color(QPalette.ColorRole.Mid))
            painter.drawRoundedRect(QRectF(home - 1, middle - 5, 2, 10), 1, 1)
        self._paint_handle(painter, QPointF(here, middle), accent)

    def _paint_handle(self, painter: QPainter, centre: QPointF, accent: QColor) -> None:
        palette = self.palette()
        radius = HANDLE_PX / 2 - 1
        if self.hasFocus():
            painter.setPen(QPen(accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(centre, radius + 0.5, radius + 0.5)
            radius -= 2
        painter.setPen(Qt.PenStyle.NoPen)
        held = self._grab is not None or self.underMouse()
        knob = (
            accent if held or self._at != self._default else palette.color(QPalette.ColorRole.Text)
        )
        painter.setBrush(knob if self.isEnabled() else palette.color(QPalette.ColorRole.Mid))
        painter.drawEllipse(centre, radius, radius)

    def _x_of(self, value: float) -> float:
        part = (value - self._low) / (self._high - self._low)
        return HANDLE_PX / 2 + min(max(part, 0.0), 1.0) * (self.width() - HANDLE_PX)

    def _value_at(self, x: float) -> float:
        part = (x - HANDLE_PX / 2) / max(1.0, self.width() - HANDLE_PX)
        return self._low + min(max(part, 0.0), 1.0) * (self._high - self._low)
