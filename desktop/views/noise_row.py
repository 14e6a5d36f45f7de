"""The noise of one layer: its strength, and a button that walks through the modes."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from desktop.widgets.slider_row import SliderRow

WORDS = {"const": "Fixed", "random": "Seeded", "none": "None"}


class NoiseRow(QWidget):
    """layer: its place among the noisy ones. earlier: how many of its size come before it."""

    mode_changed = Signal(int, str)
    strength_changed = Signal(int, float)
    gesture_ended = Signal()

    def __init__(self, layer: int, size_px: int, earlier: int) -> None:
        super().__init__()
        self._layer = layer
        name = f"{size_px} px" + (f", {'abcdefgh'[earlier % 8]}" if earlier else "")
        self.strength = SliderRow(name, 0, 2, 1.0, beyond=(0, 10), label_px=64)
        self.strength.slider.setAccessibleName(f"Noise of layer {layer}, {size_px} pixels")
        self.strength.number.setAccessibleName(f"Noise of layer {layer}, value")
        self.mode = QToolButton()
        self.mode.setProperty("role", "segment")
        self.mode.setFixedSize(64, 24)
        self.mode.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.mode.setToolTip(f"Where the noise of layer {layer} comes from")
        menu = QMenu(self.mode)
        group = QActionGroup(menu)
        for mode, words in WORDS.items():
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setData(mode)
            group.addAction(action)
        self.mode.setMenu(menu)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        line.addWidget(self.strength, 1)
        line.addWidget(self.mode)
        group.triggered.connect(self._choose)
        self.strength.value_changed.connect(self._move)
        self.strength.gesture_ended.connect(self.gesture_ended)

    def show_noise(self, mode: str, strength: float) -> None:
        """Show mode and strength."""
        self.mode.setText(WORDS[mode])
        self.mode.setAccessibleName(f"Noise of layer {self._layer}: {WORDS[mode]}")
        for action in self.mode.menu().actions():
            action.setChecked(action.data() == mode)
        self.strength.set_value(strength)
        self.strength.setEnabled(mode != "none")

    def _choose(self) -> None:
        for action in self.mode.menu().actions():
            if action.isChecked():
                self.mode_changed.emit(self._layer, str(action.data()))

    def _move(self, strength: float) -> None:
        self.strength_changed.emit(self._layer, strength)
