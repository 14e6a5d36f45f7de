"""The right column of the Train page: its panels as sections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QWidget

from desktop.train_controls import GAME, NETWORKS
from desktop.train_state import DATA, LOSS_TITLES, TrainState
from desktop.views.runs_panel import RunsPanel
from desktop.views.train_panels import (
    ControlsPanel,
    DataPanel,
    ExperimentPanel,
    LossPanel,
    SamplingPanel,
)
from desktop.widgets.section_column import SectionColumn, SectionSpec
from engine.course import KeptRun, LabView, Preset
from engine.training_spec import Adversarial

SECTIONS = {
    "experiment": SectionSpec("Experiment", True, ExperimentPanel),
    "sampling": SectionSpec("Sampling", True, SamplingPanel),
    "loss": SectionSpec("Loss", True, LossPanel),
    "optimisers": SectionSpec("Optimisers", True, partial(ControlsPanel, GAME)),
    "data": SectionSpec("Data", True, DataPanel),
    "runs": SectionSpec("Earlier runs", True, RunsPanel),
    "networks": SectionSpec("Networks", False, partial(ControlsPanel, NETWORKS)),
}


class TrainColumn(SectionColumn):
    """Keeps its panels up to date."""

    def __init__(self) -> None:
        super().__init__("Train panels", SECTIONS)
        self._state: TrainState | None = None
        self._presets: Sequence[Preset] = ()
        self._view: LabView | None = None
        self._runs: Sequence[KeptRun] = ()

    def build(self, is_open: Callable[[str, bool], bool]) -> None:
        """Make the sections, each as it was left; once."""
        super().build(lambda key, default: is_open(f"train_{key}", default))

    def set_presets(self, presets: Sequence[Preset]) -> None:
        """The experiments that there are."""
        self._presets = presets

    def show_state(self, state: TrainState) -> None:
        """Another state."""
        self._state = state
        for panel in self.panels.values():
            self.fill(panel)
        if not self.sections:
            return
        method = state.spec.method
        game = isinstance(method, Adversarial)
        self.sections["loss"].setVisible(game)
        self.sections["sampling"].setVisible(not game)
        self.sections["runs"].setVisible(state.pictures)
        op = state.spec.data.op
        self.sections["data"].set_note(DATA[op][0] if op in DATA else "")
        if isinstance(method, Adversarial):
            self.sections["loss"].set_note(LOSS_TITLES[method.loss.op])

    def show_view(self, view: LabView) -> None:
        """What there is to see."""
        self._view = view
        panel = self.panels.get("sampling")
        if isinstance(panel, SamplingPanel):
            panel.show_view(view)

    def show_runs(self, runs: Sequence[KeptRun]) -> None:
        """The runs on pictures that can go on."""
        self._runs = runs
        panel = self.panels.get("runs")
        if isinstance(panel, RunsPanel):
            panel.show_runs(runs)

    def fill(self, panel: QWidget) -> None:
        """Tell a panel all that is known."""
        if isinstance(panel, ExperimentPanel):
            panel.set_presets(self._presets)
        if isinstance(panel, RunsPanel):
            panel.show_runs(self._runs)
        if isinstance(panel, SamplingPanel) and self._view is not None:
            panel.show_view(self._view)
        if self._state is not None and isinstance(panel, ControlsPanel | ExperimentPanel):
            panel.show_state(self._state)
