"""Label, slider, editable number, and a dot that resets."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QWidget

from desktop.widgets.number_edit import NumberEdit
from desktop.widgets.slider import Slider

LABEL_PX = 128
NUMBER_PX = 62  # six characters


class ResetDot(QAbstractButton):
    """A dot that shows while its row is off the default; a click resets. It keeps its place."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(f"Reset {name}")
        self.setToolTip(f"Reset {name} to its default (double-click on the slider)")
        self.setFixedSize(QSize(16, 24))
        self.setEnabled(False)

    def set_shown(self, shown: bool) -> None:
        """Show the dot or only its place."""
        if shown != self.isEnabled():
            self.setEnabled(shown)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The dot, larger under the pointer, with a ring where focused."""
        if not self.isEnabled():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = QPointF(self.width() / 2, self.height() / 2)
        accent = self.palette().color(QPalette.ColorRole.Highlight)
        if self.hasFocus():
            painter.setPen(QPen(accent, 2))
            painter.drawEllipse(centre, 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        radius = 4 if self.underMouse() else 3
        painter.drawEllipse(centre, radius, radius)


class SliderRow(QWidget):
    """A named number. `value_changed` while it moves, `gesture_ended` when a gesture is over."""

    value_changed = Signal(float)
    gesture_ended = Signal()

    def __init__(
        self,
        name: str,
        low: float,
        high: float,
        default: float = 0.0,
        *,
        step: float = 0.05,
        decimals: int = 2,
        beyond: tuple[float, float] | None = None,
        label_px: int = LABEL_PX,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.name = name
        self._default = default
        lowest, highest = beyond or (low, high)
        self._label = QLabel(self)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setFixedWidth(label_px)
        self._label.setToolTip(name)
        self.slider = Slider(name, low, high, default, step, self, beyond=beyond)
        self.number = NumberEdit(f"{name} value", lowest, highest, decimals, self)
        self.number.setFixedSize(NUMBER_PX, 24)
        self.number.set_value(default)
        self.dot = ResetDot(name, self)
        self._label.setBuddy(self.slider)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 2, 0, 2)
        line.setSpacing(4)
        for part in (self._label, self.slider, self.number, self.dot):
            line.addWidget(part)
        line.setStretch(1, 1)
        self.slider.moved.connect(self._moved)
        self.slider.gesture_ended.connect(self.gesture_ended)
        self.slider.default_wanted.connect(self.reset)
        self.number.value_entered.connect(self._entered)
        self.number.stepped.connect(self.slider.step_by)
        self.dot.clicked.connect(self.reset)
        self._fit_label()

    @property
    def value(self) -> float:
        """The value shown."""
        return self.slider.at

    def set_value(self, value: float) -> None:
        """Show a value; emits nothing."""
        self.slider.set_at(value)
        self.number.set_value(value)
        self.dot.set_shown(value != self._default)

    def set_default(self, default: float) -> None:
        """Another value to go back to."""
        self._default = default
        self.slider.set_default(default)
        self.dot.set_shown(self.value != default)

    def reset(self) -> None:
        """Back to the default, as one gesture."""
        if self.value != self._default:
            self._moved(self._default)
        self.gesture_ended.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Double-click on the label resets, too."""
        self.reset()

    def changeEvent(self, event: QEvent) -> None:
        """A new font may need another clipping of the label."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_label()

    def _fit_label(self) -> None:
        metrics = self._label.fontMetrics()
        width = self._label.width() - 2
        self._label.setText(metrics.elidedText(self.name, Qt.TextElideMode.ElideRight, width))

    def _moved(self, value: float) -> None:
        self.set_value(value)
        self.value_changed.emit(value)

    def _entered(self, value: float) -> None:
        self._moved(value)
        self.gesture_ended.emit()
