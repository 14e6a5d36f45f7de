"""Noise: the fine grain that each layer adds."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRegularExpression, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.kit import Kit
from desktop.noise_layers import MODES, modes_of, strengths_of
from desktop.state import ExploreState
from desktop.views.noise_row import NoiseRow
from desktop.widgets.button import IconButton
from desktop.widgets.number_edit import NumberEdit
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import LABEL_PX, SliderRow
from engine.recipe import MAX_SEED, Noise


class NoisePanel(QWidget):
    """Mode, strength and seed; mode and strength for each layer, too."""

    noise_changed = Signal(object)  # Noise
    layer_mode_changed = Signal(int, str)
    layer_strength_changed = Signal(int, float)
    gesture_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[NoiseRow] = []
        self._noise = Noise()
        self._sizes: tuple[int, ...] = ()
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
        self.more = IconButton(
            "right",
            "Noise per layer",
            "Mode and strength for each layer",
            size_px=14,
            text="Per layer",
            role="fold",
        )
        self._layers = QWidget()
        self._layers.hide()
        self._inner = QVBoxLayout(self._layers)
        self._inner.setContentsMargins(0, 0, 0, 0)
        self._inner.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(8)
        for part in (self._mode, self._strength, self._seed_line):
            column.addWidget(part)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._layers)
        self._mode.chosen.connect(self._choose)
        self._strength.value_changed.connect(self._strengthen)
        self._strength.gesture_ended.connect(self.gesture_ended)
        self._seed.value_entered.connect(self._draw)
        self._seed.stepped.connect(self._step)
        self.more.clicked.connect(self._flip)

    def set_kit(self, kit: Kit) -> None:
        """As many layers as the model has."""
        if kit.anatomy.noisy != self._sizes:
            self._sizes = kit.anatomy.noisy
            for row in self.rows:
                row.deleteLater()
            self.rows = []
            if not self._layers.isHidden():
                self._make_rows()

    def show_state(self, state: ExploreState) -> None:
        """Show the noise."""
        noise = self._noise = state.noise
        count = max(1, len(self._sizes))
        modes, strengths = modes_of(noise, count), strengths_of(noise, count)
        self._mode.set_key(noise.mode if isinstance(noise.mode, str) else "")
        self._strength.set_value(round(sum(strengths) / len(strengths), 3))
        self._strength.setEnabled(set(modes) != {"none"})
        self._seed_line.setVisible("random" in modes)
        self._seed.set_value(noise.seed)
        for row, mode, strength in zip(self.rows, modes, strengths, strict=False):
            row.show_noise(mode, strength)

    def _flip(self) -> None:
        is_open = self._layers.isHidden()
        if is_open and not self.rows:
            self._make_rows()
        self._layers.setVisible(is_open)
        self.more.set_icon("down" if is_open else "right")

    def _make_rows(self) -> None:
        count = len(self._sizes)
        modes = modes_of(self._noise, count)
        strengths = strengths_of(self._noise, count)
        for layer, size in enumerate(self._sizes):
            row = NoiseRow(layer, size, self._sizes[:layer].count(size))
            row.show_noise(modes[layer], strengths[layer])
            row.mode_changed.connect(self.layer_mode_changed)
            row.strength_changed.connect(self.layer_strength_changed)
            row.gesture_ended.connect(self.gesture_ended)
            self._inner.addWidget(row)
            self.rows.append(row)

    def _choose(self, mode: str) -> None:
        for known in MODES:
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
