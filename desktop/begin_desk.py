"""A picture that Diffuse draws anew: where it is from, and the mask that is painted on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog

from desktop.brush import Spot, dabbed
from desktop.controllers.begin import BeginController
from desktop.diffuse_state import DiffuseState
from desktop.file_kinds import PICTURES
from desktop.views.begin_panel import BRUSH, BeginPanel
from desktop.views.mask_overlay import MaskOverlay
from engine.denoising import Dab

if TYPE_CHECKING:
    from desktop.app import Desk


class BeginDesk(QObject):
    """Connects panel, canvas and controller."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.page = BeginController(desk.studio, desk.files, desk.diffuse, self)
        self.mask = MaskOverlay(self.paint, desk.diffuse.end_gesture)
        self._brush = BRUSH / 100
        self._painting = False
        self.page.told.connect(desk.window.stage.show_picture_message)
        desk.diffuse.state_changed.connect(self._show)
        desk.window.page_shown.connect(self._tell_page)

    def connect_panel(self, panel: BeginPanel) -> None:
        """The panel, as soon as it is made."""
        diffuse = self.desk.diffuse
        panel.explore_wanted.connect(self._take_explore)
        panel.photo_wanted.connect(self._ask_photo)
        panel.field_changed.connect(diffuse.set_field)
        panel.gesture_ended.connect(diffuse.end_gesture)
        panel.painting_chosen.connect(self._choose_painting)
        panel.brush_changed.connect(self._set_brush)

    @Slot()
    def _take_explore(self) -> None:
        explore = self.desk.explore
        if explore.kit is not None and explore.state is not None:
            self.page.take(explore.made(explore.state), explore.kit.info.resolution)

    @Slot()
    def _ask_photo(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self.desk.window, "Draw a picture anew", "", PICTURES)
        if name:
            self.page.open(Path(name))

    def paint(self, spot: Spot, wipe: bool) -> None:
        """A dab of the brush; live until the gesture ends."""
        state = self.desk.diffuse.state
        if state is None or state.begun is None:
            return
        old = tuple((dab.x, dab.y, dab.radius) for dab in state.begun.only)
        mask = dabbed(old, spot, self._brush, wipe)
        if mask != old:
            only = tuple(Dab(*disc) for disc in mask)
            self.desk.diffuse.set_field("begun", replace(state.begun, only=only))

    @Slot(object)
    def _show(self, state: DiffuseState) -> None:
        dabs = () if state.begun is None else state.begun.only
        self.mask.show_mask(tuple((dab.x, dab.y, dab.radius) for dab in dabs))

    def show_overlay(self) -> None:
        """The mask that is painted, or nothing, lies on the canvas again."""
        if self.desk.window.page == "diffuse":
            self._tell_page("diffuse")

    @Slot(bool)
    def _choose_painting(self, on: bool) -> None:
        self._painting = on
        self.show_overlay()

    @Slot(str)
    def _tell_page(self, page: str) -> None:
        if page == "diffuse":  # Edit has put its own away
            self.desk.window.stage.canvas.set_overlay(self.mask if self._painting else None)

    @Slot(float)
    def _set_brush(self, radius: float) -> None:
        self._brush = radius
