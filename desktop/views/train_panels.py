"""The panels of the Train page: experiment, data, loss, and tables of controls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.messages import plain
from desktop.train_controls import (
    DATA,
    LOSS,
    SAMPLING,
    Control,
    Number,
    Pick,
    applies,
    choices_of,
    value_of,
)
from desktop.train_state import DATA as DATA_KINDS
from desktop.train_state import LOSS_TITLES, TrainState
from desktop.widgets.button import push
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from desktop.widgets.toggles import Toggles
from engine.course import LabView, Preset
from engine.training_spec import Pictures

LOSS_TIPS = {
    "minmax": "log(1 − D(G(z))) for the generator. Goodfellow et al., 2014.",
    "non-saturating": "−log D(G(z)) for the generator. Goodfellow et al., 2014.",
    "wgan": "A critic with clipped weights. Arjovsky et al., 2017.",
    "wgan-gp": "A critic whose slope is held near 1. Gulrajani et al., 2017.",
    "lsgan": "Squared distances to a, b and c. Mao et al., 2017.",
    "ebgan": "An autoencoder as discriminator. Zhao et al., 2016.",
    "hinge": "max(0, 1 ∓ f). Lim and Ye, 2017.",
}
GROWTH_TIP = (
    "From 4 px up, each size fading in. Karras et al., 2018.\n"
    "Other networks: rates, widths and batch become their usual ones."
)
NONE = ""
PICTURES_ABOUT = "A DCGAN learns from nothing, with the loss and the rates below."
GROWTH_ABOUT = (
    "A ProGAN learns pictures of 4 px first; every further size fades in when its turn has come."
)
KINDS = tuple((key, words) for key, (words, _) in DATA_KINDS.items())
PICTURE_KINDS = (("portraits", "Portraits"), ("pictures", "A folder of mine…"))


class ControlsPanel(QWidget):
    """Rows of a table of controls. States path and value."""

    field_changed = Signal(str, object)
    gesture_ended = Signal()

    def __init__(self, controls: Sequence[Control]) -> None:
        super().__init__()
        self._controls = {control.path: control for control in controls}
        self._rows: dict[str, SliderRow | ChoiceRow] = {}
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(16, 0, 8, 12)
        self.column.setSpacing(2)
        for control in controls:
            row = self._slider(control) if isinstance(control, Number) else self._menu(control)
            row.setProperty("path", control.path)
            self._rows[control.path] = row
            self.column.addWidget(row)

    def show_state(self, state: TrainState) -> None:
        """Show what applies."""
        for path, row in self._rows.items():
            shown = applies(state, path)
            row.setVisible(shown)
            if not shown:
                continue
            control, value = self._controls[path], value_of(state, path)
            if isinstance(row, SliderRow) and isinstance(control, Number):
                row.set_value(value / control.unit)
            elif isinstance(row, ChoiceRow) and isinstance(control, Pick):
                row.set_choices(choices_of(state, control))
                row.set_key(str(value))

    def _slider(self, control: Number) -> SliderRow:
        row = SliderRow(
            control.title, control.low, control.high, control.default, step=control.step,
            decimals=control.decimals, beyond=control.beyond,
        )  # fmt: skip
        row.setToolTip(control.tip)
        row.value_changed.connect(self._moved)
        row.gesture_ended.connect(self.gesture_ended)
        return row

    def _menu(self, control: Pick) -> ChoiceRow:
        row = ChoiceRow(control.title, control.tip)
        row.set_choices(control.choices)
        row.chosen.connect(self._chosen)
        return row

    def _moved(self, value: float) -> None:
        control = self._controls[str(self.sender().property("path"))]
        assert isinstance(control, Number)
        exact = round(value) if control.whole else round(value * control.unit, 9)
        self.field_changed.emit(control.path, exact)

    def _chosen(self, key: str) -> None:
        control = self._controls[str(self.sender().property("path"))]
        whole = isinstance(control, Pick) and control.whole
        self.field_changed.emit(control.path, int(key) if whole else key)
        self.gesture_ended.emit()


class ExperimentPanel(QWidget):
    """Prepared experiments, and which lane the controls are about."""

    preset_chosen = Signal(str)
    pair_wanted = Signal(str, str)
    method_chosen = Signal(str)
    lane_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._presets: dict[str, Preset] = {}
        self._method = Segmented(
            "Method",
            (
                ("adversarial", "GAN", "A generator against a discriminator"),
                ("denoising", "Diffusion", "A network that learns to take noise away"),
                ("pictures", "Pictures", "A small GAN on portraits or on your own pictures"),
            ),
        )
        self._preset = ChoiceRow("Experiment", "Failures, and what mends each")
        self._about = label("", wrap=True)
        self._source = label("", tone="muted", wrap=True)
        self._beside = push("See it beside what it mends", "Both on the same seed, step by step")
        self._lane = Segmented(
            "Controls for lane",
            (("0", "Lane A", "The controls are about lane A"),
             ("1", "Lane B", "The controls are about lane B")),
        )  # fmt: skip
        self._lane_words = label("The controls below are for", tone="muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(6)
        for part in (self._method, self._preset, self._about, self._source):
            column.addWidget(part)
        column.addWidget(self._beside)
        column.addWidget(self._lane_words)
        column.addWidget(self._lane)
        self._method.chosen.connect(self.method_chosen)
        self._preset.chosen.connect(self.preset_chosen)
        self._beside.clicked.connect(self._ask_pair)
        self._lane.chosen.connect(self._choose_lane)

    def set_presets(self, presets: Sequence[Preset]) -> None:
        """The experiments that there are."""
        self._presets = {preset.key: preset for preset in presets}

    def show_state(self, state: TrainState) -> None:
        """Which experiment this is."""
        op = state.kind
        self._method.set_key(op)
        self._preset.setVisible(not state.pictures)
        offered = [p for p in self._presets.values() if p.spec.method.op == op]
        self._preset.set_choices([(p.key, p.title) for p in offered])
        self._preset.set_key(state.preset, "Your own")
        preset = self._presets.get(state.preset)
        own = "Changed by hand from a prepared one."
        if state.pictures:
            own = GROWTH_ABOUT if state.grows else PICTURES_ABOUT
        self._about.setText(preset.about if preset else own)
        self._source.setText(preset.source if preset else "")
        self._source.setVisible(bool(preset and preset.source))
        many = len(state.courses) == 2
        self._beside.setVisible(bool(preset and preset.mends) and not many)
        self._lane.setVisible(many)
        self._lane_words.setVisible(many)
        self._lane.set_key(str(state.edited))

    def _choose_lane(self, key: str) -> None:
        self.lane_chosen.emit(int(key))

    def _ask_pair(self) -> None:
        preset = self._presets.get(self._preset.key)
        if preset is not None and preset.mends:
            self.pair_wanted.emit(preset.mends, preset.key)


class DataPanel(ControlsPanel):
    """Which points are learned."""

    data_chosen = Signal(str)
    clear_wanted = Signal()
    growth_flipped = Signal(bool)

    def __init__(self) -> None:
        super().__init__(DATA)
        self._kind = ChoiceRow("Data", "The points that are learned")
        self._kind.set_choices(KINDS)
        self._hint = label("Draw with the mouse in the plane.", tone="muted")
        self._clear = push("Clear", "Forget what was drawn")
        self._drawing = QWidget()
        line = QHBoxLayout(self._drawing)
        line.setContentsMargins(0, 2, 8, 2)
        line.addWidget(self._hint, 1)
        line.addWidget(self._clear)
        self.column.insertWidget(0, self._kind)
        self.column.insertWidget(1, self._drawing)
        self._growth = Toggles("Growth", (("grows", "Grow progressively", GROWTH_TIP),))
        self._growth.setContentsMargins(0, 4, 20, 2)
        self.column.insertWidget(3, self._growth)
        self._growth.toggled.connect(self._flip_growth)
        self._kind.chosen.connect(self.data_chosen)
        self._clear.clicked.connect(self.clear_wanted)

    def show_state(self, state: TrainState) -> None:
        """Show the kind, too."""
        super().show_state(state)
        self._kind.set_choices(PICTURE_KINDS if state.pictures else KINDS)
        data = state.spec.data
        words = plain(Path(data.folder).name, 24) if isinstance(data, Pictures) else ""
        self._kind.set_key("" if words else data.op, words)
        self._drawing.setVisible(state.spec.data.op == "drawn")
        self._growth.setVisible(state.pictures)
        self._growth.set_keys(("grows",) if state.grows else ())

    def _flip_growth(self, _: str, on: bool) -> None:
        self.growth_flipped.emit(on)


class LossPanel(ControlsPanel):
    """What is made small."""

    loss_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(LOSS)
        self._loss = ChoiceRow("Loss", "What generator and discriminator make small")
        self._loss.set_choices(list(LOSS_TITLES.items()))
        self._about = label("", tone="muted", wrap=True)
        self.column.insertWidget(0, self._loss)
        self.column.insertWidget(1, self._about)
        self._loss.chosen.connect(self.loss_chosen)

    def show_state(self, state: TrainState) -> None:
        """Show the kind, too."""
        super().show_state(state)
        op = value_of(state, "method.loss.op")
        self._loss.set_key(op or "")
        self._about.setText(LOSS_TIPS.get(op or "", ""))


class SamplingPanel(ControlsPanel):
    """From noise to points: sampler, guidance, and the place on the way."""

    def __init__(self) -> None:
        super().__init__(SAMPLING)
        self._classes = 0
        self._way = Segmented(
            "Way",
            (("reverse", "Reverse", "Samples on their way out of the noise"),
             ("forward", "Forward", "Real points on their way into the noise")),
        )  # fmt: skip
        self._place = SliderRow("Noise to data", 0, 1, 1.0, step=0.02)
        self._place.setToolTip("Where on the way: 0 is noise, 1 is data; the score is drawn there")
        self._label = ChoiceRow("Class", "Which mode or arm is asked for")
        self.column.insertWidget(0, self._way)
        self.column.insertWidget(1, self._place)
        self.column.insertWidget(5, self._label)
        self._way.chosen.connect(self._choose_way)
        self._place.value_changed.connect(self._move)
        self._place.gesture_ended.connect(self.gesture_ended)
        self._label.chosen.connect(self._choose_class)

    def show_state(self, state: TrainState) -> None:
        """Show place and class, too."""
        super().show_state(state)
        sampling = state.sampling
        self._way.set_key("forward" if sampling.forward else "reverse")
        self._place.set_value(sampling.place)
        self._label.set_key(NONE if sampling.label is None else str(sampling.label))

    def show_view(self, view: LabView) -> None:
        """The classes that there are."""
        classes = view.lanes[0].classes
        if classes != self._classes:
            self._classes = classes
            key = self._label.key
            known = [(str(i), f"{i + 1}") for i in range(classes)] if classes > 1 else []
            self._label.set_choices([(NONE, "None"), *known])
            self._label.set_key(key)

    def _choose_way(self, key: str) -> None:
        self._state("forward", key == "forward")

    def _choose_class(self, key: str) -> None:
        self._state("label", int(key) if key else None)

    def _move(self, place: float) -> None:
        self.field_changed.emit("sampling.place", place)

    def _state(self, field: str, value: object) -> None:
        self.field_changed.emit(f"sampling.{field}", value)
        self.gesture_ended.emit()
