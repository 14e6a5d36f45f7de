"""The right column of the Edit page: its panels as sections, each made when first opened."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.views.arithmetic_panel import ArithmeticPanel
from desktop.views.corners_panel import CornersPanel
from desktop.views.drag_panel import DragPanel
from desktop.views.effects_panel import EffectsPanel
from desktop.views.find_panel import FindPanel
from desktop.views.movement_panel import MovementPanel
from desktop.views.photo_panel import PhotoPanel
from desktop.views.strip_panel import StripPanel
from desktop.widgets.scroll_column import ScrollColumn
from desktop.widgets.section import Section

SECTIONS: dict[str, tuple[str, bool, Callable[[], QWidget]]] = {
    "photo": ("Your own picture", True, PhotoPanel),
    "drag": ("Drag points", False, DragPanel),
    "strip": ("Mixing strip", False, StripPanel),
    "movement": ("Movement", False, MovementPanel),
    "find": ("Find directions", False, FindPanel),
    "effects": ("What each direction moves", False, EffectsPanel),
    "corners": ("Between four pictures", False, CornersPanel),
    "arithmetic": ("Arithmetic: A − B + C", False, ArithmeticPanel),
}


class EditColumn(ScrollColumn):
    """States which panel was made; whoever connects it tells it what there is to show."""

    panel_made = Signal(str, object)  # key, panel
    section_toggled = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__("Edit panels")
        self.panels: dict[str, QWidget] = {}
        self.sections: dict[str, Section] = {}

    def build(self, is_open: Callable[[str, bool], bool]) -> None:
        """Make the sections, each as it was left."""
        for key, (title, default, _) in SECTIONS.items():
            section = Section(title, _Maker(self, key), is_open(key, default))
            section.setProperty("key", key)
            section.toggled.connect(self._toggled)
            self.sections[key] = section
            self.add(section)
        self.column.addStretch(1)

    def make(self, key: str) -> QWidget:
        """The panel of a section."""
        if key not in self.panels:
            self.panels[key] = SECTIONS[key][2]()
            self.panel_made.emit(key, self.panels[key])
        return self.panels[key]

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

    def __init__(self, column: EditColumn, key: str) -> None:
        self._column = column
        self._key = key

    def __call__(self) -> QWidget:
        return self._column.make(self._key)
