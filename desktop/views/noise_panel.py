"""Noise: the fine grain that each layer adds."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRegularExpression, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.state import ExploreState
from desktop.widgets.number_edit import NumberEdit
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
        self._seed = NumberEdit("Noise seed", 0, MAX_SEED, 0)
        self._seed.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._seed.setToolTip(
            f"Noise seed: a whole number from 0 to {MAX_SEED}; Return draws that noise"
        )
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
        self._seed.value_entered.connect(self._draw)
        self._seed.stepped.connect(self._step)

    def show_state(self, state: ExploreState) -> None:
        """Show the noise."""
        noise = state.noise
        self._noise = noise
        self._mode.set_key(noise.mode)
        strengths = noise.strength if isinstance(noise.strength, tuple) else (noise.strength,)
        self._strength.set_value(round(sum(strengths) / len(strengths), 3))
        self._strength.setEnabled(noise.mode != "none")
        self._seed_line.setVisible(noise.mode == "random")
        self._seed.set_value(noise.seed)

    def _choose(self, mode: str) -> None:
        for known in ("const", "random", "none"):
            if mode == known:
                self.noise_changed.emit(replace(self._noise, mode=known))
        self.gesture_ended.emit()

    def _strengthen(self, strength: float) -> None:
        self.noise_changed.emit(replace(self._noise, strength=strength))

    def _draw(self, seed: float) -> None:
        self.noise_changed.emit(replace(self._noise, seed=int(seed)))
        self.gesture_ended.emit()

    def _step(self, step: int) -> None:
        self._draw((self._noise.seed + step) % (MAX_SEED + 1))
