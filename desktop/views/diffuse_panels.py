"""The small panels of the Diffuse column: model and class, cascade."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.diffuse_state import DiffuseState, Stages
from desktop.facts import DiffuseKit
from desktop.views.texts_box import TextsBox
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.denoising import Upscale
from engine.recipe import ModelRef


def _column(panel: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(panel)
    column.setContentsMargins(16, 0, 8, 12)
    column.setSpacing(4)
    return column


class ClassPanel(QWidget):
    """Which model, and which of its classes or what text."""

    model_chosen = Signal(str)
    class_chosen = Signal(object)  # index or None
    texts_changed = Signal(object)  # Texts; live
    gesture_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._kit: DiffuseKit | None = None
        self._model = ChoiceRow("Model", "The diffusion model that makes the picture")
        self._class = ChoiceRow("Class", "What the picture shall show")
        self._prompt = TextsBox("Prompt", "What the picture shall show, in words", "anything")
        self._runs = label("", tone="muted", wrap=True)
        column = _column(self)
        for part in (self._model, self._runs, self._class, self._prompt):
            column.addWidget(part)
        self._prompt.changed.connect(self.texts_changed)
        self._prompt.gesture_ended.connect(self.gesture_ended)
        self._model.chosen.connect(self.model_chosen)
        self._class.chosen.connect(self._chosen)

    def set_kit(self, kit: DiffuseKit) -> None:
        """The models that there are."""
        self._kit = kit
        self._model.set_choices([(info.name, info.title) for info in kit.makers])

    def show_state(self, state: DiffuseState) -> None:
        """Show model and class, or model and prompt."""
        info = self._kit.maker(state.model.sha256) if self._kit is not None else None
        self._model.set_key(state.model.name, state.model.name)
        runs = self._kit.runs.get(state.model.sha256, "") if self._kit is not None else ""
        self._runs.setText(f"Runs: {runs}.")
        self._runs.setVisible(bool(runs))
        classes = () if info is None else info.classes
        self._class.set_choices([("", "any"), *((str(i), name) for i, name in enumerate(classes))])
        blended = len(state.conditioning.weights) > 1
        index = state.class_index
        self._class.set_key("blend" if blended else "" if index is None else str(index), "a blend")
        self._class.setEnabled(bool(classes))
        reads = info is not None and bool(info.reads)
        self._class.setVisible(not reads)
        self._prompt.setVisible(reads)
        self._prompt.show_texts(state.texts)

    def _chosen(self, key: str) -> None:
        self.class_chosen.emit(int(key) if key else None)


class CascadePanel(QWidget):
    """How often the picture is doubled, with how much added noise, in how many steps."""

    field_changed = Signal(str, object)
    gesture_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._kit: DiffuseKit | None = None
        self._stages: Stages | None = None
        self._count = Segmented(
            "Upsampling",
            (
                ("0", "Off", "The picture as the model makes it"),
                ("1", "Twice", "One stage of super-resolution"),
                ("2", "Four times", "The upsampler applied to what it made"),
            ),
        )
        self._level = SliderRow("Added noise", 0, 1, Upscale.level)
        self._level.setToolTip("More noise lets the upsampler invent more")
        self._steps = SliderRow("Steps", 1, 8, Upscale.steps, beyond=(1, 1000), step=1, decimals=0)
        self._steps.setToolTip("Of each doubling; the bundled upsampler is at its best in one")
        self._missing = label("There is no upsampler on this machine.", tone="muted", wrap=True)
        column = _column(self)
        self._count.setContentsMargins(0, 0, 20, 0)
        for part in (self._count, self._level, self._steps, self._missing):
            column.addWidget(part)
        self._count.chosen.connect(self._chosen)
        self._level.value_changed.connect(self._set_level)
        self._steps.value_changed.connect(self._set_steps)
        for row in (self._level, self._steps):
            row.gesture_ended.connect(self.gesture_ended)

    def set_kit(self, kit: DiffuseKit) -> None:
        """The models that there are."""
        self._kit = kit
        self._count.setEnabled(bool(kit.upsamplers))
        self._missing.setVisible(not kit.upsamplers)

    def show_state(self, state: DiffuseState) -> None:
        """Show the stages."""
        self._stages = state.stages
        self._count.set_key("0" if self._stages is None else str(self._stages.doublings))
        for row in (self._level, self._steps):
            row.setEnabled(self._stages is not None)
        if self._stages is not None:
            self._level.set_value(self._stages.level)
            self._steps.set_value(self._stages.steps)

    def _chosen(self, key: str) -> None:
        stages: Stages | None = None
        if key != "0" and self._kit is not None and self._kit.upsamplers:
            info = self._kit.upsamplers[0]
            known = self._stages or Stages(ModelRef(info.name, info.sha256))
            stages = replace(known, doublings=int(key))
        self.field_changed.emit("stages", stages)
        self.gesture_ended.emit()

    def _set_level(self, level: float) -> None:
        if self._stages is not None:
            self.field_changed.emit("stages", replace(self._stages, level=level))

    def _set_steps(self, steps: float) -> None:
        if self._stages is not None:
            self.field_changed.emit("stages", replace(self._stages, steps=round(steps)))
