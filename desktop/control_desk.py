"""What the ControlNets of Diffuse follow: photos that are opened, and lines that are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Qt, Slot
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QFileDialog

from desktop.brush import Spot, dabbed
from desktop.controllers.control import ControlController
from desktop.diffuse_state import DiffuseState
from desktop.file_kinds import PICTURES
from desktop.views.canvas_overlay import View
from desktop.views.control_box import BRUSH
from desktop.views.guidance_panel import GuidancePanel
from desktop.views.mask_overlay import VEIL, MaskOverlay
from engine.controlling import MOST_DABS, Control, Drawn
from engine.denoising import Dab

if TYPE_CHECKING:
    from desktop.app import Desk


class LinesOverlay(MaskOverlay):
    """The hand draws lines, with Shift it wipes."""

    def paint(self, painter: QPainter, view: View) -> None:
        """The lines, in white over the darkened picture."""
        painter.fillRect(view.place, VEIL)
        painter.save()
        painter.setClipRect(view.place)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("white"))
        wide, high = view.place.width(), view.place.height()
        for x, y, radius in self._mask:
            at = view.place.topLeft() + QPointF(x * wide, y * high)
            painter.drawEllipse(at, radius * wide, radius * high)
        painter.restore()


class ControlDesk(QObject):
    """Connects panel, canvas and controller."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.page = ControlController(desk.studio, desk.files, desk.diffuse, self)
        self.lines = LinesOverlay(self.draw, desk.diffuse.end_gesture)
        self._brush = BRUSH / 100
        self._drawing: int | None = None  # the place among the terms
        self.page.told.connect(desk.window.stage.show_picture_message)
        desk.diffuse.state_changed.connect(self._show)
        desk.window.page_shown.connect(self._tell_page)

    def connect_panel(self, panel: GuidancePanel) -> None:
        """The panel, as soon as it is made."""
        panel.photo_wanted.connect(self._ask_photo)
        panel.photo_dropped.connect(self.page.open)
        panel.recipe_dropped.connect(self.page.take)
        panel.drawing_chosen.connect(self.choose_drawing)
        panel.brush_changed.connect(self._set_brush)

    def draw(self, spot: Spot, wipe: bool) -> None:
        """A dab of the brush; live until the gesture ends."""
        state, term = self.desk.diffuse.state, self._term()
        if state is None or term is None or self._drawing is None:
            return
        image = term.image if isinstance(term.image, Drawn) else Drawn(self.desk.diffuse.made_px)
        old = tuple((dab.x, dab.y, dab.radius) for dab in image.dabs)
        lines = dabbed(old, spot, self._brush, wipe, MOST_DABS)
        if lines != old:
            drawn = replace(image, dabs=tuple(Dab(*disc) for disc in lines))
            self.page.follow(self._drawing, drawn)

    @Slot(object)
    def choose_drawing(self, place: int | None) -> None:
        """Draw for the ControlNet at that place among the terms; None for no longer."""
        self._drawing = place
        self._show(self.desk.diffuse.state)
        if self.desk.window.page == "diffuse":
            self.desk.begin.show_overlay()
            self._tell_page("diffuse")

    @Slot(int)
    def _ask_photo(self, place: int) -> None:
        words = "Choose a picture"
        name, _ = QFileDialog.getOpenFileName(self.desk.window, words, "", PICTURES)
        if name:
            self.page.open(place, Path(name))

    def _term(self) -> Control | None:
        state, place = self.desk.diffuse.state, self._drawing
        if state is None or place is None or place >= len(state.terms):
            return None
        term = state.terms[place]
        return term if isinstance(term, Control) else None

    @Slot(object)
    def _show(self, state: DiffuseState | None) -> None:
        term = self._term()
        if term is None and self._drawing is not None:  # it was removed, or undone
            self._drawing = None
            self.desk.begin.show_overlay()
        dabs = term.image.dabs if term is not None and isinstance(term.image, Drawn) else ()
        self.lines.show_mask(tuple((dab.x, dab.y, dab.radius) for dab in dabs))

    @Slot(str)
    def _tell_page(self, page: str) -> None:
        if page == "diffuse" and self._drawing is not None:
            self.desk.window.stage.canvas.set_overlay(self.lines)

    @Slot(float)
    def _set_brush(self, radius: float) -> None:
        self._brush = radius
