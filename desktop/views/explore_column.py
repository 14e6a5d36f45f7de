"""The right column of the Explore page: its panels as sections."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from desktop.facts import LatticeView, LayersView, MatrixView
from desktop.kit import Kit
from desktop.messages import plain
from desktop.state import STILL, ExploreState, home_seed
from desktop.views.class_panel import ClassPanel
from desktop.views.directions_panel import DirectionsPanel
from desktop.views.layers_panel import LayersPanel
from desktop.views.mixing_panel import MixingPanel
from desktop.views.motion_panel import MotionPanel
from desktop.views.noise_panel import NoisePanel
from desktop.views.seed_panel import SeedPanel
from desktop.views.truncation_panel import TruncationPanel
from desktop.widgets.section_column import SectionColumn, SectionSpec

Panel = (
    SeedPanel
    | ClassPanel
    | TruncationPanel
    | DirectionsPanel
    | MotionPanel
    | MixingPanel
    | NoisePanel
)
WithKit = TruncationPanel | DirectionsPanel | MixingPanel | ClassPanel | NoisePanel
SECTIONS = {
    "seed": SectionSpec("Seed", True, SeedPanel),
    "classes": SectionSpec("Class", True, ClassPanel),
    "directions": SectionSpec("Directions", True, DirectionsPanel),
    "truncation": SectionSpec("Truncation", True, TruncationPanel),
    "motion": SectionSpec("Motion", True, MotionPanel),
    "mixing": SectionSpec("Style mixing", False, MixingPanel),
    "noise": SectionSpec("Noise", False, NoisePanel),
    "layers": SectionSpec("Layers", False, LayersPanel),
}
NOISE_NOTES = {"const": "", "random": "seeded", "none": "none"}


def _noise_note(state: ExploreState) -> str:
    mode = state.noise.mode
    return NOISE_NOTES[mode] if isinstance(mode, str) else "per layer"


def fitting_sections(kit: Kit) -> set[str]:
    """The sections that mean something to a model."""
    lacking = {
        "classes": not kit.anatomy.classes,
        "motion": not kit.anatomy.movable,
        "noise": not kit.anatomy.noisy,
        "mixing": kit.info.num_ws < 2,
    }
    return {key for key in SECTIONS if not lacking.get(key, False)}


class ExploreColumn(SectionColumn):
    """Keeps its panels up to date."""

    def __init__(self) -> None:
        super().__init__("Explore panels", SECTIONS)
        self._kit: Kit | None = None
        self._state: ExploreState | None = None
        self._lattice: LatticeView | None = None
        self._matrix: MatrixView | None = None
        self._layers: LayersView | None = None

    def build(self, is_open: Callable[[str, bool], bool]) -> None:
        """Make the sections, each as it was left."""
        super().build(is_open)
        if self._kit is not None:
            self._show_fitting(self._kit)
        if self._state is not None:
            self._note(self._state)

    def fill(self, panel: QWidget) -> None:
        """Tell a new panel all that is known."""
        if self._kit is not None and isinstance(panel, WithKit):
            panel.set_kit(self._kit)
        if self._state is not None and isinstance(panel, Panel):
            panel.show_state(self._state)
        if isinstance(panel, SeedPanel) and self._lattice is not None:
            panel.show_lattice(self._lattice)
        if isinstance(panel, MixingPanel) and self._matrix is not None:
            panel.show_matrix(self._matrix)
        if isinstance(panel, LayersPanel) and self._layers is not None:
            panel.show_layers(self._layers)

    def set_kit(self, kit: Kit) -> None:
        """Another model."""
        self._kit = kit
        for panel in self.panels.values():
            if isinstance(panel, WithKit):
                panel.set_kit(kit)
        self._show_fitting(kit)

    def _show_fitting(self, kit: Kit) -> None:
        """Only the sections that mean something to the model."""
        for key, section in self.sections.items():
            section.setVisible(key in fitting_sections(kit))

    def grow_kit(self, kit: Kit) -> None:
        """The same model with other directions: their sliders stand where they stood."""
        self._kit = kit
        panel = self.panels.get("directions")
        if isinstance(panel, DirectionsPanel):
            panel.set_kit(kit)
            if self._state is not None:
                panel.show_state(self._state)

    def show_state(self, state: ExploreState) -> None:
        """Another state."""
        self._state = state
        for panel in self.panels.values():
            if isinstance(panel, Panel):
                panel.show_state(state)
        self._note(state)

    def show_lattice(self, view: LatticeView) -> None:
        """The pad's carpet."""
        self._lattice = view
        panel = self.panels.get("seed")
        if isinstance(panel, SeedPanel):
            panel.show_lattice(view)

    def show_matrix(self, view: MatrixView) -> None:
        """The mixing matrix."""
        self._matrix = view
        panel = self.panels.get("mixing")
        if isinstance(panel, MixingPanel):
            panel.show_matrix(view)

    def show_layers(self, view: LayersView) -> None:
        """The layer viewer."""
        self._layers = view
        panel = self.panels.get("layers")
        if isinstance(panel, LayersPanel):
            panel.show_layers(view)

    def _note(self, state: ExploreState) -> None:
        """What closed sections hold, in a word or two."""
        seed = home_seed(state.base)
        psi = state.psi if isinstance(state.psi, float) else None
        moved, mixed = len(state.moves), len(state.mixes)
        notes = {
            "seed": "custom latent" if seed is None else str(seed),
            "directions": f"{moved} moved" if moved else "",
            "truncation": "per layer" if psi is None else f"{psi:.2f}",
            "mixing": f"{mixed} applied" if mixed else "",
            "noise": _noise_note(state),
            "classes": self._classes_note(state),
            "motion": "" if state.motion == STILL else "moved",
            "layers": "",
        }
        for key, section in self.sections.items():
            section.set_note(notes[key])

    def _classes_note(self, state: ExploreState) -> str:
        if len(state.classes) != 1:
            return f"{len(state.classes)} blended" if state.classes else "none"
        names = self._kit.anatomy.classes if self._kit is not None else ()
        index = state.classes[0].index
        return plain(names[index], 24) if index < len(names) else f"Class {index}"
