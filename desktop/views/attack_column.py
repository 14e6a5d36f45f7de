"""The sections of the Attack page."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from desktop.attack_facts import AttackKit, LookView, ReportView
from desktop.attack_state import METHOD_TITLES, AttackState
from desktop.views.attack_latent_panel import LatentPanel
from desktop.views.attack_method_panel import MethodPanel
from desktop.views.attack_result_panels import LookPanel, SurvivalPanel, TransferPanel
from desktop.views.attack_target_panel import TargetPanel
from desktop.widgets.section_column import SectionColumn, SectionSpec

SECTIONS = {
    "target": SectionSpec("Picture and network", True, TargetPanel),
    "method": SectionSpec("Attack", True, MethodPanel),
    "look": SectionSpec("What the network sees", True, LookPanel),
    "transfer": SectionSpec("Other networks", False, TransferPanel),
    "survival": SectionSpec("After damage", False, SurvivalPanel),
    "latent": SectionSpec("In the latent space", False, LatentPanel),
}


class AttackColumn(SectionColumn):
    """Tells its panels of networks, state and results."""

    def __init__(self) -> None:
        super().__init__("Attack", SECTIONS)
        self._kit: AttackKit | None = None
        self._state: AttackState | None = None
        self._look: LookView | None = None
        self._report: ReportView | None = None

    def build(self, is_open: Callable[[str, bool], bool]) -> None:
        """Make the sections, each as it was left; once."""
        super().build(lambda key, default: is_open(f"attack_{key}", default))

    def set_kit(self, kit: AttackKit) -> None:
        """The networks that there are."""
        self._kit = kit
        self._tell()

    def show_state(self, state: AttackState) -> None:
        """Another state."""
        self._state = state
        self._tell()
        info = self._kit.of(state.victim) if self._kit is not None else None
        notes = {
            "target": "" if info is None else info.title.split(",")[0],
            "method": f"{METHOD_TITLES[state.method]}, {state.epsilon:g}",
        }
        for key, words in notes.items():
            if key in self.sections:
                self.sections[key].set_note(words)

    def show_look(self, view: LookView) -> None:
        """What the attack does."""
        self._look = view
        panel = self.panels.get("look")
        if isinstance(panel, LookPanel):
            panel.show_look(view)
        if "look" in self.sections:
            self.sections["look"].set_note("fooled" if view.look.reached else "not fooled")

    def show_report(self, view: ReportView) -> None:
        """The tables."""
        self._report = view
        for panel in self.panels.values():
            if isinstance(panel, TransferPanel | SurvivalPanel):
                panel.show_report(view)

    def show_trouble(self, words: str) -> None:
        """It could not be attacked."""
        panel = self.panels.get("look")
        if isinstance(panel, LookPanel):
            panel.show_trouble(words)

    def _tell(self) -> None:
        for panel in self.panels.values():
            self._fill_state(panel)

    def _fill_state(self, panel: QWidget) -> None:
        if isinstance(panel, TargetPanel | LatentPanel) and self._kit is not None:
            panel.set_kit(self._kit)
        if isinstance(panel, TargetPanel | MethodPanel) and self._state is not None:
            panel.show_state(self._state)

    def fill(self, panel: QWidget) -> None:
        """Tell a new panel all that is known."""
        self._fill_state(panel)
        if isinstance(panel, LookPanel) and self._look is not None:
            panel.show_look(self._look)
        if isinstance(panel, TransferPanel | SurvivalPanel) and self._report is not None:
            panel.show_report(self._report)
