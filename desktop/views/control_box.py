"""A ControlNet among the terms of the guidance: what it follows, and how closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.views.picture_term_box import PictureTermBox
from desktop.widgets.button import push
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.controlling import MOST_SCALE, Control, ControlInfo, Drawn, Edges, Pose
from engine.recipe import ModelRef, Photo, walk

BRUSH = 1.5  # percent of the picture
STEEP = 200.0  # of Edges
TURNS = (("Turn", "yaw"), ("Nod", "pitch"), ("Tilt", "tilt"))


class ControlBox(PictureTermBox):
    """See PictureTermBox."""

    drawing_chosen = Signal(object, bool)
    brush_changed = Signal(float)  # radius in shares of the picture

    def __init__(self, nets: Sequence[ControlInfo], side: int) -> None:
        super().__init__("ControlNet", "", 1.0, MOST_SCALE, (0, MOST_SCALE))
        self._side = side  # of the pictures that are followed
        self._nets = {net.sha256: net for net in nets}
        self._net = ChoiceRow("Network", "Which ControlNet follows the picture")
        self._net.set_choices([(net.sha256, net.title) for net in nets])
        self._told = label("", tone="muted", wrap=True)
        photo = push("A photo…", "Follow a picture from a file; or drop one here", "tight")
        self._draw = push("Draw", "Draw lines on the canvas; Shift wipes", "tight")
        self._draw.setCheckable(True)
        pose = push("Pose", "Follow a head that is turned by sliders", "tight")
        self._how = Segmented(
            "What of it is followed",
            (
                ("edges", "Its edges", "Follow the edges that are found in it"),
                ("whole", "As it is", "Follow the picture itself: depth, poses, edges by others"),
            ),
        )
        self._how.setContentsMargins(0, 0, 20, 0)
        self._steep = SliderRow("Steepness", 20, 600, STEEP, beyond=(0, 2040), step=10, decimals=0)
        self._steep.setToolTip("How steep an edge must be; less finds finer ones")
        self._brush = SliderRow("Brush", 0.5, 10, BRUSH, beyond=(0.2, 40), step=0.1)
        self._away = SliderRow("Guidance", 0, 6, 1.0, beyond=(-50, 50), step=0.1)
        self._away.setToolTip(
            "How far to go away from what would be drawn without it; 1 is not at all, more follows "
            "more closely and takes half as long again"
        )
        buttons = QWidget()
        row = QHBoxLayout(buttons)
        row.setContentsMargins(0, 4, 0, 4)
        row.setSpacing(8)
        row.addWidget(photo)
        row.addWidget(self._draw)
        row.addWidget(pose)
        row.addStretch(1)
        self._turns = [SliderRow(words, -1, 1, 0.0, beyond=(-1, 1)) for words, _ in TURNS]
        self._lead(
            self._net, self._told, buttons, self._how, self._steep, self._brush, *self._turns,
            self._away,
        )  # fmt: skip
        self._brush.hide()
        pose.clicked.connect(self._choose_pose)
        for turn in self._turns:
            turn.value_changed.connect(self._turn)
            turn.gesture_ended.connect(self.gesture_ended)
        photo.clicked.connect(self._ask)
        self._draw.toggled.connect(self._choose_drawing)
        self._net.chosen.connect(self._choose_net)
        self._how.chosen.connect(self._choose_how)
        self._steep.value_changed.connect(self._set_steep)
        self._steep.gesture_ended.connect(self.gesture_ended)
        self._brush.value_changed.connect(self._set_brush)
        self._away.value_changed.connect(self._set_away)
        self._away.gesture_ended.connect(self.gesture_ended)

    def show_term(self, term: Control) -> None:
        """Show the term; emits nothing."""
        super().show_term(term)
        edges = term.image if isinstance(term.image, Edges) else None
        drawn = isinstance(term.image, Drawn | Pose)
        self._net.set_key(term.model.sha256, term.model.name)
        self._told.setText(words_of(term))
        self._away.set_value(term.guidance)
        self._how.set_key("whole" if edges is None else "edges")
        self._how.setVisible(not drawn)
        self._steep.setVisible(edges is not None)
        if edges is not None:
            self._steep.set_value(edges.high)
        for turn, (_, name) in zip(self._turns, TURNS, strict=True):
            turn.setVisible(isinstance(term.image, Pose))
            turn.set_value(getattr(term.image, name, 0.0))

    def _choose_drawing(self, on: bool) -> None:
        self._brush.setVisible(on)
        self.drawing_chosen.emit(self, on)

    def _choose_pose(self) -> None:
        if not isinstance(self._term.image, Pose):
            self._draw.setChecked(False)
            self._set(image=Pose(self._side))
            self.gesture_ended.emit()

    def _turn(self) -> None:
        if isinstance(self._term.image, Pose):
            yaw, pitch, tilt = (turn.value for turn in self._turns)
            self._set(image=replace(self._term.image, yaw=yaw, pitch=pitch, tilt=tilt))

    def _choose_net(self, key: str) -> None:
        net = self._nets[key]
        self._set(model=ModelRef(net.name, net.sha256))
        self.gesture_ended.emit()

    def _choose_how(self, key: str) -> None:
        image = self._term.image
        if key == "edges" and not isinstance(image, Edges):
            self._set(image=Edges(image))
        elif key == "whole" and isinstance(image, Edges):
            self._set(image=image.image)
        self.gesture_ended.emit()

    def _set_steep(self, high: float) -> None:
        if isinstance(self._term.image, Edges):
            self._set(image=replace(self._term.image, low=high / 2, high=high))

    def _set_away(self, scale: float) -> None:
        self._set(guidance=scale)

    def _set_brush(self, percent: float) -> None:
        self.brush_changed.emit(percent / 100)


def words_of(term: Control) -> str:
    """What a ControlNet follows, in words."""
    if isinstance(term.image, Drawn):
        told = "lines drawn by hand" if term.image.dabs else "nothing yet: draw, or open a photo"
        return f"Follows {told}."
    if isinstance(term.image, Pose):
        return "Follows a head that is turned."
    photo = any(isinstance(node, Photo) for node in walk(term.image))
    of = "edges of " if isinstance(term.image, Edges) else ""
    return f"Follows {'the ' if of else ''}{of}{'a photo' if photo else 'a generated picture'}."
