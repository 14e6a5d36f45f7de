"""Noise: the fine grain that each layer adds."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRegularExpression, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from desktop.state import ExploreState
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import LABEL_PX, SliderRow
from engine.recipe import MAX_SEED, Noise


class NoisePanel(QWidget):
    """Mode, strength and seed."""

    noise_changed = Signal(object)  # Noise
    gesture_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._noise = Noise()
        self._mode = Segmented(
            "Noise",
            (
                ("const", "Fixed", "The model's own noise, the same in every picture"),
                ("random", "Seeded", "Noise drawn from a seed of its own"),
                ("none", "None", "No noise: the smoothest picture"),
            ),
        )
        self._strength = SliderRow("Strength", 0, 2, 1.0, beyond=(0, 10))
        self._seed = QLineEdit()
        self._seed.setAccessibleName("Noise seed")
        self._seed.setToolTip("Noise seed: a whole number; Return draws that noise")
        self._seed.setValidator(QRegularExpressionValidator(QRegularExpression("[0-9]{1,10}")))
        self._seed.setFixedHeight(28)
        label = QLabel("Noise seed")
        label.setFixedWidth(LABEL_PX)
        label.setBuddy(self._seed)
        self._seed_line = QWidget()
        line = QHBoxLayout(self._seed_line)
        line.setContentsMargins(0, 0, 20, 0)
        line.setSpacing(4)
        line.addWidget(label)
        line.addWidget(self._seed, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(8)
        for part in (self._mode, self._strength, self._seed_line):
            column.addWidget(part)
        self._mode.chosen.connect(self._choose)
        self._strength.value_changed.connect(self._strengthen)
        self._strength.gesture_ended.connect(self.gesture_ended)
        self._seed.returnPressed.connect(self._draw)

    def show_state(self, state: ExploreState) -> None:
        """Show the noise."""
        noise = state.noise
        self._noise = noise
        self._mode.set_key(noise.mode)
        strengths = noise.strength if isinstance(noise.strength, tuple) else (noise.strength,)
        self._strength.set_value(round(sum(strengths) / len(strengths), 3))
        self._strength.setEnabled(noise.mode != "none")
        self._seed_line.setVisible(noise.mode == "random")
        self._seed.setText(str(noise.seed))

    def _choose(self, mode: str) -> None:
        for known in ("const", "random", "none"):
            if mode == known:
                self.noise_changed.emit(replace(self._noise, mode=known))
        self.gesture_ended.emit()

    def _strengthen(self, strength: float) -> None:
        self.noise_changed.emit(replace(self._noise, strength=strength))

    def _draw(self) -> None:
        text = self._seed.text()
        if text and int(text) <= MAX_SEED:
            self.noise_changed.emit(replace(self._noise, seed=int(text)))
            self.gesture_ended.emit()
