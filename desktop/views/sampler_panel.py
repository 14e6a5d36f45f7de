"""Sampler: which one, how many steps, how they are spaced, and what holds the picture in range."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.diffuse_state import DiffuseState
from desktop.facts import DiffuseKit
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.comparing import SAMPLER_TITLES, SPACING_TITLES
from engine.denoising import SPACINGS


class SamplerPanel(QWidget):
    """States field and value."""

    field_changed = Signal(str, object)
    gesture_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._sampler = ChoiceRow("Sampler", "How noise is turned into a picture")
        self._spacing = ChoiceRow("Spacing", "How the steps are spread over the noise")
        self._steps = SliderRow("Steps", 1, 100, 25, step=1, decimals=0, beyond=(1, 1000))
        self._eta = SliderRow("Eta", 0, 1, 0.0)
        self._eta.setToolTip("The noise that DDIM adds: 0 none, 1 as much as DDPM")
        self._threshold = Segmented(
            "Thresholding",
            (
                ("none", "None", "Leave the predicted picture as it is"),
                ("static", "Static", "Clip the predicted picture to its range"),
                ("dynamic", "Dynamic", "Fade colours that leave the range, for strong guidance"),
            ),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(2)
        for part in (self._sampler, self._spacing, self._steps, self._eta):
            column.addWidget(part)
        column.addSpacing(6)
        column.addWidget(label("Thresholding", tone="muted"))
        self._threshold.setContentsMargins(0, 0, 20, 0)
        column.addWidget(self._threshold)
        self._sampler.chosen.connect(self._choose_sampler)
        self._spacing.chosen.connect(self._choose_spacing)
        self._steps.value_changed.connect(self._set_steps)
        self._steps.gesture_ended.connect(self.gesture_ended)
        self._eta.value_changed.connect(self._set_eta)
        self._eta.gesture_ended.connect(self.gesture_ended)
        self._threshold.chosen.connect(self._choose_threshold)
        self._lcm = False
        self._kit: DiffuseKit | None = None

    def set_kit(self, kit: DiffuseKit) -> None:
        """The models that there are."""
        self._kit = kit

    def show_state(self, state: DiffuseState) -> None:
        """Show every choice; LCM is offered for models that were distilled for it."""
        info = self._kit.maker(state.model.sha256) if self._kit is not None else None
        lcm = info is not None and info.lcm
        titles = [(k, words) for k, words in SAMPLER_TITLES.items() if lcm or k != "lcm"]
        self._sampler.set_choices(titles)
        self._sampler.set_key(state.sampler)
        known = SPACINGS[state.sampler]
        self._spacing.set_choices([(k, w) for k, w in SPACING_TITLES.items() if k in known])
        self._spacing.set_key(state.spacing)
        self._steps.set_value(state.steps)
        self._eta.setVisible(state.sampler == "ddim")
        self._eta.set_value(state.eta)
        self._threshold.set_key(state.threshold)

    def _choose_sampler(self, key: str) -> None:
        self._choose("sampler", key)

    def _choose_spacing(self, key: str) -> None:
        self._choose("spacing", key)

    def _choose_threshold(self, key: str) -> None:
        self._choose("threshold", key)

    def _choose(self, field: str, value: object) -> None:
        self.field_changed.emit(field, value)
        self.gesture_ended.emit()

    def _set_steps(self, steps: float) -> None:
        self.field_changed.emit("steps", round(steps))

    def _set_eta(self, eta: float) -> None:
        self.field_changed.emit("eta", eta)
