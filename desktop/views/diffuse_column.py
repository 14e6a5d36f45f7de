"""The right column of the Diffuse page: its panels as sections."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.diffuse_state import SAMPLER_TITLES, DiffuseState
from desktop.facts import CompareView, DiffuseKit, LatticeView
from desktop.state import home_seed
from desktop.views.diffuse_panels import CascadePanel, ClassPanel, ComparePanel
from desktop.views.guidance_panel import GuidancePanel
from desktop.views.sampler_panel import SamplerPanel
from desktop.views.seed_panel import SeedPanel
from desktop.widgets.scroll_column import ScrollColumn
from desktop.widgets.section import Section

TITLES = {
    "class": ("Picture", True),
    "noise": ("Noise", True),
    "guidance": ("Guidance", True),
    "sampler": ("Sampler", True),
    "cascade": ("Upsampling", False),
    "compare": ("Compare", False),
}


class DiffuseColumn(ScrollColumn):
    """Makes a panel when its section is first opened, and keeps it up to date from then on."""

    panel_made = Signal(str, object)  # key, panel
    section_toggled = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__("Diffuse panels")
        self.panels: dict[str, QWidget] = {}
        self.sections: dict[str, Section] = {}
        self._kit: DiffuseKit | None = None
        self._state: DiffuseState | None = None
        self._lattice: LatticeView | None = None
        self._makers: dict[str, Callable[[], QWidget]] = {
            "class": ClassPanel,
            "noise": SeedPanel,
            "guidance": GuidancePanel,
            "sampler": SamplerPanel,
            "cascade": CascadePanel,
            "compare": ComparePanel,
        }

    def build(self, is_open: Callable[[str, bool], bool]) -> None:
        """Make the sections, each as it was left; once."""
        if self.sections:
            return
        for key, (title, default) in TITLES.items():
            section = Section(title, _Maker(self, key), is_open(f"diffuse_{key}", default))
            section.setProperty("key", key)
            section.toggled.connect(self._toggled)
            self.sections[key] = section
            self.add(section)
        self.column.addStretch(1)

    def make(self, key: str) -> QWidget:
        """The panel of a section; when it is new it is told all that is known."""
        if key not in self.panels:
            self.panels[key] = panel = self._makers[key]()
            self.panel_made.emit(key, panel)
            self._show(panel)
        return self.panels[key]

    def set_kit(self, kit: DiffuseKit) -> None:
        """The models that there are."""
        self._kit = kit
        self._show_all()

    def show_state(self, state: DiffuseState) -> None:
        """Another state."""
        self._state = state
        self._show_all()
        seed = home_seed(state.base)
        moved = ", ".join(f"{term.scale:g}" for term in state.terms)
        notes = {
            "noise": "custom" if seed is None else str(seed),
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

    def _show_all(self) -> None:
        for panel in self.panels.values():
            self._show(panel)

    def _show(self, panel: QWidget) -> None:
        known = ClassPanel | GuidancePanel | SamplerPanel | CascadePanel
        if isinstance(panel, known):
            if self._kit is not None:
                panel.set_kit(self._kit)
            if self._state is not None:
                panel.show_state(self._state)
        elif isinstance(panel, SeedPanel) and self._state is not None:
            panel.show_base(self._state.base)
            if self._lattice is not None:
                panel.show_lattice(self._lattice)

    def _toggled(self, is_open: bool) -> None:
        section = self.sender()
        if isinstance(section, Section):
            self.section_toggled.emit(str(section.property("key")), is_open)


class _Maker:
    """Makes one panel of a column."""

    def __init__(self, column: DiffuseColumn, key: str) -> None:
        self._column = column
        self._key = key

    def __call__(self) -> QWidget:
        return self._column.make(self._key)
