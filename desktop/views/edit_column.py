"""The right column of the Edit page: its panels as sections, each made when first opened."""

from __future__ import annotations

from desktop.views.arithmetic_panel import ArithmeticPanel
from desktop.views.corners_panel import CornersPanel
from desktop.views.drag_panel import DragPanel
from desktop.views.effects_panel import EffectsPanel
from desktop.views.find_panel import FindPanel
from desktop.views.movement_panel import MovementPanel
from desktop.views.photo_panel import PhotoPanel
from desktop.views.strip_panel import StripPanel
from desktop.views.text_panel import TextPanel
from desktop.widgets.section_column import SectionColumn, SectionSpec

SECTIONS = {
    "photo": SectionSpec("Your own picture", True, PhotoPanel),
    "drag": SectionSpec("Drag points", False, DragPanel),
    "text": SectionSpec("Text", False, TextPanel),
    "strip": SectionSpec("Mixing strip", False, StripPanel),
    "movement": SectionSpec("Movement", False, MovementPanel),
    "find": SectionSpec("Find directions", False, FindPanel),
    "effects": SectionSpec("What each direction moves", False, EffectsPanel),
    "corners": SectionSpec("Between four pictures", False, CornersPanel),
    "arithmetic": SectionSpec("Arithmetic: A − B + C", False, ArithmeticPanel),
}


class EditColumn(SectionColumn):
    """Its panels are told what there is by who connects them."""

    def __init__(self) -> None:
        super().__init__("Edit panels", SECTIONS)
