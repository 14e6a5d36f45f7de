"""Drag points: start and stop, the mask, and a way back to any step."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import DragView
from desktop.messages import Message, plain
from desktop.widgets.button import push
from desktop.widgets.job_bar import JobBar
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.frame import Progress
from engine.wishes import Drag

HINT = (
    "Press on the picture and pull: the red handle is to go to the blue target. Set as many as "
    "you like. A mask, where you paint one, says what may move; Shift wipes it."
)


class DragPanel(QWidget):
    """States what is wanted; the points are set on the canvas."""

    drag_wanted = Signal()
    cancel_wanted = Signal()
    clear_wanted = Signal()
    mask_cleared = Signal()
    mode_chosen = Signal(str)
    brush_changed = Signal(float)
    step_chosen = Signal(int)  # 0 is where it began
    step_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._hint = label(HINT, tone="muted", wrap=True)
        self._mode = Segmented(
            "What the hand does",
            (
                ("points", "Points", "Set and move handles and targets"),
                ("mask", "Mask", "Paint what may move; Shift wipes"),
            ),
        )
        self._mode.set_key("points")
        self._brush = SliderRow("Brush", 2, 40, 12, beyond=(1, 60), step=1, decimals=0, label_px=64)
        self._go = push("Drag", "Move the handles to their targets", "primary")
        self._clear = push("Clear points", "Take every point away", "tight")
        self._wipe = push("Clear mask", "Let all of the picture move", "tight")
        self.steps = SliderRow("Step", 0, 1, 0, step=1, decimals=0, beyond=(0, 1000), label_px=64)
        self._words = label(tone="muted", wrap=True)
        self.job = JobBar("dragging points")
        self.message = MessageBar()
        foot = QHBoxLayout()
        foot.setSpacing(4)
        foot.addWidget(self._go, 1)
        foot.addWidget(self._clear)
        foot.addWidget(self._wipe)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        for part in (self._hint, self._mode, self._brush):
            column.addWidget(part)
        column.addLayout(foot)
        for below in (self._words, self.steps, self.job, self.message):
            column.addWidget(below)
        self.message.hide()
        self._go.clicked.connect(self.drag_wanted)
        self._clear.clicked.connect(self.clear_wanted)
        self._wipe.clicked.connect(self.mask_cleared)
        self._mode.chosen.connect(self.mode_chosen)
        self._brush.value_changed.connect(self.brush_changed)
        self.steps.value_changed.connect(self._step)
        self.steps.gesture_ended.connect(self.step_ended)
        self.job.cancel_wanted.connect(self.cancel_wanted)
        self.show_drag(DragView())

    def show_drag(self, view: DragView) -> None:
        """What is set."""
        count = len(view.handles)
        self._mode.set_key("mask" if view.masking else "points")
        self._brush.setVisible(view.masking)
        self._brush.set_value(round(view.brush * 100))
        self._go.setEnabled(count > 0 and not view.running)
        self._clear.setEnabled(count > 0 and not view.running)
        self._wipe.setEnabled(bool(view.mask) and not view.running)
        words = "1 point" if count == 1 else f"{count} points"
        self._words.setText(words + (", masked" if view.mask else "") if count else "")
        self._words.setVisible(bool(count))
        self.steps.setVisible(view.steps > 0 and not view.running)
        if view.steps:
            self.steps.slider.set_span(0, view.steps)
            self.steps.set_value(view.step)

    def show_began(self) -> None:
        """A drag waits or runs."""
        self.message.hide()
        self.job.show_began("Starting…")

    def show_progress(self, progress: Progress) -> None:
        """How far it is."""
        self.job.show_progress(plain(progress.stage, 80), progress.fraction, progress.left_s)

    def show_done(self, drag: Drag) -> None:
        """The drag is over, or was stopped."""
        self.job.show_ended()
        count = len(drag.steps)
        self.message.show_message(
            f"{count} steps, {drag.left_px:.1f} px from the targets.",
            "The slider goes back to any step.",
            "good",
            "",
        )
        self.message.show()

    def show_stopped(self) -> None:
        """Nothing runs."""
        self.job.show_ended()

    def show_message(self, message: Message) -> None:
        """The drag failed."""
        self.job.show_ended()
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self.message.show()

    def _step(self, value: float) -> None:
        self.step_chosen.emit(round(value))
