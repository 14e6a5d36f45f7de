"""The centre of the Train page: the plane of each lane with its curves, and the transport."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop import theme
from desktop.train_state import LANES, TrainState, title_of
from desktop.views.pictures_stage import PicturesStage
from desktop.views.train_transport import TrainTransport
from desktop.widgets.curve_plot import CurvePlot, Series
from desktop.widgets.field_view import Field, FieldView
from desktop.widgets.text import label
from engine.course import SPAN, LabView, LaneView
from engine.training_spec import Adversarial

SCALE = "D(x)"
HINT = "The lab is starting."
EMPTY = "0 of 00 places, 000% good"  # as wide as what will stand there


class LanePane(QWidget):
    """One lane: title and readings, the plane, the curves; beside or below it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = label(name, role="strong")
        self._title = label("", tone="muted")
        self._readings = QLabel(EMPTY)
        self._readings.setTextFormat(Qt.TextFormat.PlainText)
        self._readings.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._problem = label("", tone="bad", wrap=True)
        self._problem.hide()
        self.field = FieldView(f"Lane {name}: real and generated points", SCALE, HINT)
        self.losses = CurvePlot("Losses")
        self.slope = CurvePlot("Gradient")
        self.cover = CurvePlot("Coverage", (0.0, 1.0))
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._name)
        head.addWidget(self._title, 1)
        head.addWidget(self._readings)
        self._curves = QVBoxLayout()
        self._curves.setSpacing(4)
        for plot in (self.losses, self.slope, self.cover):
            self._curves.addWidget(plot, 1)
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.setSpacing(8)
        self._body.addWidget(self.field, 3)
        self._body.addLayout(self._curves, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._problem)
        column.addLayout(self._body, 1)

    def keep_room(self) -> None:
        """As much as the longest reading needs."""
        wide = self._readings.fontMetrics().horizontalAdvance(EMPTY)
        self._readings.setMinimumWidth(wide + 4)

    def set_narrow(self, narrow: bool) -> None:
        """Curves below the plane, two of them, where two lanes share the width."""
        ways = QBoxLayout.Direction
        self._body.setDirection(ways.TopToBottom if narrow else ways.LeftToRight)
        self.slope.setVisible(not narrow)

    def set_tones(self, tones: Mapping[str, str]) -> None:
        """The colours of the theme in use."""
        for plot in (self.losses, self.slope, self.cover):
            plot.set_tones(tones)

    def show_lane(self, view: LaneView, end: int, many: bool) -> None:
        """Show one moment. many: whether the name of the lane tells anything."""
        game = isinstance(view.course.spec.method, Adversarial)
        self._name.setVisible(many)
        self._title.setText(title_of(view.course))
        self._title.setToolTip(title_of(view.course))
        unit = "modes" if view.modes <= 32 else "places"
        self._readings.setText(f"{view.covered} of {view.modes} {unit}, {view.good:.0%} good")
        self._problem.setText(view.problem)
        self._problem.setVisible(bool(view.problem))
        self.field.set_scale("D(x)" if game else "log p")
        self.field.set_field(Field(SPAN, view.heat, view.arrows, view.real, view.made, view.trails))
        curves = view.curves
        names = ("D", "G") if game else ("error", "to exact")
        self.losses.set_curves(
            curves.steps,
            {names[0]: Series(curves.loss_d, "warn"), names[1]: Series(curves.loss_g, "accent")},
            end,
        )
        self.slope.set_curves(
            curves.steps, {"of G" if game else "classifier": Series(curves.slope, "accent")}, end
        )
        self.cover.set_curves(
            curves.steps,
            {
                "modes": Series(
                    curves.covered / max(1, view.modes), "good", f"{view.covered}/{view.modes}"
                ),
                "good": Series(curves.good, "accent", f"{view.good:.0%}"),
            },
            end,
        )


class TrainStage(QWidget):
    """Both lanes, and below them the transport. States strokes that were drawn in the plane."""

    stroked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Training lab")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("surface")
        self.panes = tuple(LanePane(name) for name in LANES)
        self.transport = TrainTransport()
        self._end = 1
        self._lanes = 1
        self.pictures = PicturesStage()
        self.pictures.hide()
        self._plane = QWidget()
        lanes = QHBoxLayout()
        lanes.setSpacing(16)
        for pane in self.panes:
            lanes.addWidget(pane, 1)
            pane.field.stroked.connect(self.stroked)
        self.panes[1].hide()
        plane = QVBoxLayout(self._plane)
        plane.setContentsMargins(0, 0, 0, 0)
        plane.setSpacing(8)
        plane.addLayout(lanes, 1)
        plane.addWidget(self.transport)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 8)
        column.addWidget(self._plane, 1)
        column.addWidget(self.pictures, 1)

    def show_state(self, state: TrainState) -> None:
        """How many lanes there are, how long they usually are, whether one can draw."""
        self._plane.setVisible(not state.pictures)
        self.pictures.setVisible(state.pictures)
        if state.pictures:
            return
        self._end = max(course.spec.steps for course in state.courses)
        self._lanes = len(state.courses)
        self.panes[1].setVisible(self._lanes == 2)
        self._fit()
        for pane in self.panes:
            pane.field.set_drawing(state.spec.data.op == "drawn")
        self.transport.show_state(state, self._end)

    def show_view(self, view: LabView) -> None:
        """One moment."""
        tones = theme.current()
        end = max(self._end, view.step)
        for pane, lane in zip(self.panes, view.lanes, strict=False):
            pane.set_tones({"accent": tones.accent, "warn": tones.warn, "good": tones.good})
            pane.show_lane(lane, end, len(view.lanes) > 1)
        self.transport.show_view(view, end)

    def set_arrows(self, shown: bool) -> None:
        """Whether arrows are drawn."""
        for pane in self.panes:
            pane.field.show_arrows = shown
            pane.field.update()

    def showEvent(self, event: QShowEvent) -> None:
        """The readings get their width once the style is known, else each new one would move."""
        super().showEvent(event)
        for pane in self.panes:
            pane.keep_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Curves go where there is room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        wide = self.width() / self._lanes > self.height() * 0.95
        for pane in self.panes:
            pane.set_narrow(not wide)
