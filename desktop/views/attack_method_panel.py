"""Attack: the method, its budget, and what the change has to outlive."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.attack_state import METHOD_TITLES, AttackState
from desktop.messages import Message, plain
from desktop.widgets.button import push
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.job_bar import JobBar
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from desktop.widgets.toggles import Toggles
from engine.frame import Progress

TRANSFORMS = (
    ("resize", "Size", "Other sizes, from half to a quarter more (slower)"),
    ("jpeg", "JPEG", "Files of quality 50 to 95 (slower)"),
    ("rotation", "Turns", "Up to 12 degrees either way (slower)"),
    ("brightness", "Light", "A quarter brighter or darker, more or less contrast (slower)"),
)
UNIVERSAL_HINT = (
    "One pattern for all portraits: found on 48 that the bundled model makes, with the budget "
    "above."
)


class MethodPanel(QWidget):
    """States field and value."""

    field_changed = Signal(str, object)
    gesture_ended = Signal()
    transform_changed = Signal(str, bool)
    pattern_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._method = ChoiceRow("Method", "How the picture is moved")
        self._method.set_choices(list(METHOD_TITLES.items()))
        self._epsilon = SliderRow("Epsilon, of 255", 0, 16, 8, step=0.5, decimals=1, beyond=(0, 64))
        self._epsilon.setToolTip("The budget: the largest change of any value, in levels of 255")
        self._steps = SliderRow("Steps", 1, 40, 10, step=1, decimals=0, beyond=(1, 200))
        self._momentum = SliderRow("Momentum", 0.1, 2, 1.0, step=0.1, decimals=1)
        self._outlive = label("Has to outlive", tone="muted")
        self._transforms = Toggles("Has to outlive", TRANSFORMS)
        self._transforms.setContentsMargins(0, 0, 20, 0)
        self._hint = label(UNIVERSAL_HINT, tone="muted", wrap=True)
        self._find = push("Find a pattern", "Search for one pattern that fools the network on many")
        self.job = JobBar("finding a pattern")
        self.message = MessageBar()
        self.message.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(4)
        for part in (self._method, self._epsilon, self._steps, self._momentum, self._outlive):
            column.addWidget(part)
        for more in (self._transforms, self._hint, self._find, self.job, self.message):
            column.addWidget(more)
        self._method.chosen.connect(self._choose)
        for row, slot in (
            (self._epsilon, self._set_epsilon),
            (self._steps, self._set_steps),
            (self._momentum, self._set_momentum),
        ):
            row.value_changed.connect(slot)
            row.gesture_ended.connect(self.gesture_ended)
        self._transforms.toggled.connect(self.transform_changed)
        self._find.clicked.connect(self.pattern_wanted)
        self.job.cancel_wanted.connect(self.cancel_wanted)

    def show_state(self, state: AttackState) -> None:
        """Show what the method has."""
        self._method.set_key(state.method)
        self._epsilon.set_value(state.epsilon)
        stepped = state.method not in ("fast_gradient", "universal")
        universal = state.method == "universal"
        self._steps.setVisible(stepped)
        self._steps.set_value(state.steps)
        self._momentum.setVisible(state.method == "momentum")
        self._momentum.set_value(state.momentum)
        self._outlive.setVisible(not universal)
        self._transforms.setVisible(not universal)
        self._transforms.set_keys(state.transforms)
        self._hint.setVisible(universal)
        self._find.setVisible(universal)

    def show_began(self, kind: str) -> None:
        """A search waits or runs."""
        self._find.setEnabled(False)
        self.message.hide()
        if kind == "universal pattern":
            self.job.show_began("Drawing portraits…")

    def show_progress(self, progress: Progress) -> None:
        """How far it is."""
        if self.job.running:
            self.job.show_progress(plain(progress.stage, 80), progress.fraction, progress.left_s)

    def show_ended(self) -> None:
        """Nothing runs."""
        self._find.setEnabled(True)
        self.job.show_ended()

    def show_message(self, message: Message) -> None:
        """A search failed."""
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self.message.show()

    def _choose(self, key: str) -> None:
        self.field_changed.emit("method", key)
        self.gesture_ended.emit()

    def _set_epsilon(self, value: float) -> None:
        self.field_changed.emit("epsilon", value)

    def _set_steps(self, value: float) -> None:
        self.field_changed.emit("steps", round(value))

    def _set_momentum(self, value: float) -> None:
        self.field_changed.emit("momentum", value)
