"""A column of sections, each with a panel that is made when it is first opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.widgets.scroll_column import ScrollColumn
from desktop.widgets.section import Section


@dataclass(frozen=True)
class SectionSpec:
    """title: over the section. is_open: at the first start. make: its panel."""

    title: str
    is_open: bool
    make: Callable[[], QWidget]


class SectionColumn(ScrollColumn):
    """States which panel was made; whoever connects it tells it what there is to show."""

    panel_made = Signal(str, object)  # key, panel
    section_toggled = Signal(str, bool)

    def __init__(self, name: str, specs: Mapping[str, SectionSpec]) -> None:
        super().__init__(name)
        self.panels: dict[str, QWidget] = {}
        self.sections: dict[str, Section] = {}
        self._specs = specs

    def build(self, is_open: Callable[[str, bool], bool]) -> None:
        """Make the sections, each as it was left; once."""
        if self.sections:
            return
        for key, spec in self._specs.items():
            section = Section(spec.title, _Maker(self, key), is_open(key, spec.is_open))
            section.setProperty("key", key)
            section.toggled.connect(self._toggled)
            self.sections[key] = section
            self.add(section)
        self.column.addStretch(1)

    def make(self, key: str) -> QWidget:
        """The panel of a section."""
        if key not in self.panels:
            panel = self._specs[key].make()
            self.panels[key] = panel
            self.panel_made.emit(key, panel)
            self.fill(panel)
        return self.panels[key]

    def fill(self, panel: QWidget) -> None:
        """Tell a new panel all that is known."""

    def open_section(self, key: str) -> None:
        """Open a section and bring it into view."""
        section = self.sections[key]
        if not section.is_open:
            section.set_open(True)
            self.section_toggled.emit(key, True)
        self.scroll_to(section)

    def _toggled(self, is_open: bool) -> None:
        section = self.sender()
        if isinstance(section, Section):
            self.section_toggled.emit(str(section.property("key")), is_open)


class _Maker:
    """Makes one panel of a column."""

    def __init__(self, column: SectionColumn, key: str) -> None:
        self._column = column
        self._key = key

    def __call__(self) -> QWidget:
        return self._column.make(self._key)
