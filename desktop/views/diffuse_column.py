"""The right column of the Diffuse page: its panels as sections."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from desktop.diffuse_state import DiffuseState
from desktop.facts import CompareView, DiffuseKit, LatticeView, QueueView
from desktop.state import home_seed
from desktop.views.begin_panel import BeginPanel, words_of
from desktop.views.compare_panel import ComparePanel
from desktop.views.diffuse_panels import CascadePanel, ClassPanel
from desktop.views.guidance_panel import GuidancePanel
from desktop.views.queue_panel import QueuePanel
from desktop.views.sampler_panel import SamplerPanel
from desktop.views.seed_panel import SeedPanel
from desktop.widgets.section_column import SectionColumn, SectionSpec
from engine.comparing import SAMPLER_TITLES

SECTIONS = {
    "class": SectionSpec("Picture", True, ClassPanel),
    "noise": SectionSpec("Noise", True, SeedPanel),
    "begin": SectionSpec("Begin with", False, BeginPanel),
    "guidance": SectionSpec("Guidance", True, GuidancePanel),
    "sampler": SectionSpec("Sampler", True, SamplerPanel),
    "cascade": SectionSpec("Upsampling", False, CascadePanel),
    "compare": SectionSpec("Compare", False, ComparePanel),
    "queue": SectionSpec("Queue", False, QueuePanel),
}


class DiffuseColumn(SectionColumn):
    """Keeps its panels up to date."""

    def __init__(self) -> None:
        super().__init__("Diffuse panels", SECTIONS)
        self._kit: DiffuseKit | None = None
        self._state: DiffuseState | None = None
        self._lattice: LatticeView | None = None
        self._queue = QueueView(())

    def build(self, is_open: Callable[[str, bool], bool]) -> None:
        """Make the sections, each as it was left; once."""
        super().build(lambda key, default: is_open(f"diffuse_{key}", default))

    def set_kit(self, kit: DiffuseKit) -> None:
        """The models that there are."""
        self._kit = kit
        self.setEnabled(bool(kit.makers))  # without a model nothing here would answer
        self._show_all()

    def show_state(self, state: DiffuseState) -> None:
        """Another state."""
        self._state = state
        self._show_all()
        seed = home_seed(state.base)
        moved = ", ".join(f"{term.scale:g}" for term in state.terms)
        notes = {
            "noise": "custom" if seed is None else str(seed),
            "begin": words_of(state.begun),
            "guidance": moved or "none",
            "sampler": f"{SAMPLER_TITLES[state.sampler]}, {state.steps}",
            "cascade": "" if state.stages is None else f"{2**state.stages.doublings} times",
        }
        for key, words in notes.items():
            if key in self.sections:
                self.sections[key].set_note(words)

    def show_lattice(self, view: LatticeView) -> None:
        """The pad."""
        self._lattice = view
        panel = self.panels.get("noise")
        if isinstance(panel, SeedPanel):
            panel.show_lattice(view)

    def show_compare(self, view: CompareView) -> None:
        """The comparison."""
        panel = self.panels.get("compare")
        if isinstance(panel, ComparePanel):
            panel.show_compare(view)

    def show_queue(self, view: QueueView) -> None:
        """The pictures that wait."""
        self._queue = view
        left = view.count("waiting", "running")
        if "queue" in self.sections:
            self.sections["queue"].set_note(f"{left} to make" if left else "")
        panel = self.panels.get("queue")
        if isinstance(panel, QueuePanel):
            panel.show_queue(view)

    def _show_all(self) -> None:
        for panel in self.panels.values():
            self.fill(panel)

    def fill(self, panel: QWidget) -> None:
        """Tell a panel all that is known."""
        known = ClassPanel | GuidancePanel | SamplerPanel | CascadePanel
        if isinstance(panel, known):
            if self._kit is not None:
                panel.set_kit(self._kit)
            if self._state is not None:
                panel.show_state(self._state)
        elif isinstance(panel, BeginPanel) and self._state is not None:
            panel.show_state(self._state)
        elif isinstance(panel, QueuePanel):
            panel.show_queue(self._queue)
        elif isinstance(panel, SeedPanel) and self._state is not None:
            panel.show_base(self._state.base)
            if self._lattice is not None:
                panel.show_lattice(self._lattice)
