"""The motion of StyleGAN3's plane: its pictures move and turn without sticking to the pixels."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.state import STILL, ExploreState, Motion
from desktop.widgets.button import IconButton
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label

FAR = (-4.0, 4.0)
HINT = (
    "On the canvas: drag moves, Shift-drag turns; arrows move, comma and period turn. "
    "Space-drag still pans."
)


class MotionPanel(QWidget):
    """Right, down, and the turn; or by hand on the canvas."""

    motion_changed = Signal(object)  # Motion
    gesture_ended = Signal()
    reset_wanted = Signal()
    by_hand_wanted = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._motion = STILL
        self.right = SliderRow("Right", -0.5, 0.5, 0.0, step=0.01, beyond=FAR)
        self.down = SliderRow("Down", -0.5, 0.5, 0.0, step=0.01, beyond=FAR)
        self.rotation = SliderRow("Rotation (°)", -180, 180, 0.0, step=1.0, decimals=1)
        self.by_hand = IconButton(
            "move",
            "Move on the canvas",
            "Move the picture by dragging it (V)",
            text="Move on the canvas",
            role="field",
            checkable=True,
        )
        reset = IconButton("reset", "Reset the motion", "Put the picture back where it was")
        self._hint = label(HINT, tone="muted", wrap=True)
        self._hint.hide()
        line = QHBoxLayout()
        line.setContentsMargins(0, 4, 8, 0)
        line.addWidget(self.by_hand)
        line.addStretch(1)
        line.addWidget(reset)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(4)
        for row in (self.right, self.down, self.rotation):
            column.addWidget(row)
            row.value_changed.connect(self._moved)
            row.gesture_ended.connect(self.gesture_ended)
        column.addLayout(line)
        column.addWidget(self._hint)
        self.by_hand.clicked.connect(self.by_hand_wanted)
        reset.clicked.connect(self.reset_wanted)

    def show_state(self, state: ExploreState) -> None:
        """Show where the plane is."""
        self._motion = state.motion
        self.right.set_value(state.motion.x)
        self.down.set_value(state.motion.y)
        self.rotation.set_value(state.motion.rotation)

    def show_by_hand(self, by_hand: bool) -> None:
        """Show whether the canvas moves the picture."""
        self.by_hand.setChecked(by_hand)
        self._hint.setVisible(by_hand)

    def _moved(self, value: float) -> None:
        names = {self.right: "x", self.down: "y", self.rotation: "rotation"}
        row = self.sender()
        if isinstance(row, SliderRow):
            motion: Motion = replace(self._motion, **{names[row]: value})
            self.motion_changed.emit(motion)
