"""What the diffusion begins with: noise alone, or a picture that is drawn anew."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.diffuse_state import Begun, DiffuseState
from desktop.widgets.button import push
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.recipe import Generate, Photo, walk

BRUSH = 12  # percent of the picture


class BeginPanel(QWidget):
    """States what is wanted."""

    explore_wanted = Signal()
    photo_wanted = Signal()
    field_changed = Signal(str, object)
    gesture_ended = Signal()
    painting_chosen = Signal(bool)
    brush_changed = Signal(float)  # radius in shares of the picture

    def __init__(self) -> None:
        super().__init__()
        self._begun: Begun | None = None
        self._told = label("", tone="muted", wrap=True)
        explore = push("Explore’s picture", "Draw the picture of Explore anew", "tight")
        photo = push("A photo…", "Draw a picture from a file anew", "tight")
        self._noise = push("Noise alone", "Begin with noise again", "tight")
        self._strength = SliderRow("Strength", 0, 1, 0.6)
        self._strength.setToolTip("The share of the steps: at 1 little but chance is left of it")
        self._part = Segmented(
            "What is drawn anew",
            (
                ("whole", "Whole picture", "All of it is drawn anew"),
                ("part", "Painted part", "Paint it on the picture; Shift wipes"),
            ),
        )
        self._part.setContentsMargins(0, 0, 20, 0)
        self._brush = SliderRow("Brush", 2, 40, BRUSH, beyond=(1, 60), step=1, decimals=0)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (explore, photo, self._noise):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(4)
        column.addWidget(self._told)
        column.addLayout(buttons)
        column.addWidget(self._strength)
        column.addWidget(self._part)
        column.addWidget(self._brush)
        explore.clicked.connect(self.explore_wanted)
        photo.clicked.connect(self.photo_wanted)
        self._noise.clicked.connect(self._clear)
        self._strength.value_changed.connect(self._moved)
        self._strength.gesture_ended.connect(self.gesture_ended)
        self._part.chosen.connect(self._choose_part)
        self._brush.value_changed.connect(lambda value: self.brush_changed.emit(value / 100))
        self._painting = False

    def show_state(self, state: DiffuseState) -> None:
        """Show what it begins with."""
        self._begun = begun = state.begun
        self._told.setText(f"Begins with {words_of(begun)}.")
        self._noise.setEnabled(begun is not None)
        self._strength.setEnabled(begun is not None)
        self._part.setEnabled(begun is not None)
        self._show_painting(begun is not None and (self._painting or bool(begun.only)))
        if begun is not None:
            self._strength.set_value(begun.strength)

    def _clear(self) -> None:
        self.field_changed.emit("begun", None)
        self.gesture_ended.emit()

    def _choose_part(self, key: str) -> None:
        self._show_painting(key == "part")
        if key == "whole" and self._begun is not None and self._begun.only:
            self.field_changed.emit("begun", replace(self._begun, only=()))
            self.gesture_ended.emit()

    def _show_painting(self, on: bool) -> None:
        self._part.set_key("part" if on else "whole")
        self._brush.setVisible(on)
        if on != self._painting:
            self._painting = on
            self.painting_chosen.emit(on)

    def _moved(self, strength: float) -> None:
        if self._begun is not None:
            self.field_changed.emit("begun", replace(self._begun, strength=strength))


def words_of(begun: Begun | None) -> str:
    """What a run begins with, in words."""
    if begun is None:
        return "noise alone"
    nodes = list(walk(begun.image))
    if any(isinstance(node, Photo) for node in nodes):
        return "a photo"
    return "a generated face" if any(isinstance(node, Generate) for node in nodes) else "a picture"
