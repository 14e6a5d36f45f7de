"""The Edit page: its lane, its controllers, and which of their signals reaches which panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from desktop.controllers.arithmetic import ArithmeticController
from desktop.controllers.corners import CornersController
from desktop.controllers.dragging import DragController
from desktop.controllers.finding import FindingController
from desktop.controllers.movement import MovementController
from desktop.controllers.photo import PhotoController
from desktop.controllers.strip import StripController
from desktop.controllers.texting import TextController
from desktop.display import Shown
from desktop.edit_wiring import connect_panel
from desktop.facts import Inspection
from desktop.file_kinds import PICTURES
from desktop.kit import Kit
from desktop.lanes import QueueLane
from desktop.squares import Square
from desktop.views.crop_overlay import CropOverlay
from desktop.views.drag_overlay import DragOverlay
from engine.frame import DirectionInfo
from engine.path import Path as Film
from engine.recipe import Recipe

if TYPE_CHECKING:
    from desktop.app import Desk

FILMS = "Films (*.mp4 *.webm *.gif *.webp);;Stills (*.png)"
DIRECTIONS = "Directions (*.safetensors *.npy *.npz *.pkl);;All files (*)"


class EditDesk(QObject):
    """Lives as long as the Desk. Searches have a lane of their own: an export never waits."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._column = desk.window.edit
        self.searches = QueueLane(self, "searches")
        self.finding = FindingController(desk.studio, self.searches, desk.thumbs, desk.undo, self)
        self.arithmetic = ArithmeticController(desk.undo, desk.thumbs, self)
        self.photo = PhotoController(desk.studio, self.searches, desk.undo, self)
        self.crop = CropOverlay(self.photo.set_square, self.photo.end_gesture)
        desk.window.stage.source.set_overlay(self.crop)
        self.drag = DragController(desk.studio, self.searches, desk.undo, self)
        drag = self.drag
        self.points = DragOverlay(
            drag.place, drag.move_point, drag.remove_point, drag.paint, drag.end_gesture
        )
        self.text = TextController(desk.studio, self.searches, self)
        self.movement = MovementController(
            desk.studio, desk.jobs, self.searches, desk.undo, desk.thumbs, self
        )
        self.strip = StripController(desk.undo, desk.thumbs, self)
        self.corners = CornersController(desk.undo, desk.thumbs, self._between_four, self)
        self._film: Film | None = None
        self._kit: Kit | None = None
        self._connect()

    def _connect(self) -> None:
        desk, finding = self.desk, self.finding
        for signal in (desk.explore.kit_changed, desk.explore.kit_grew):
            signal.connect(finding.set_kit)
            signal.connect(self.photo.set_kit)
            signal.connect(self.arithmetic.set_kit)
            signal.connect(self.strip.set_kit)
            signal.connect(self.movement.set_kit)
            signal.connect(self.text.set_kit)
            signal.connect(self._show_kit)
        desk.explore.kit_grew.connect(desk.window.explore.grow_kit)
        desk.explore.state_changed.connect(finding.follow)
        desk.explore.state_changed.connect(self._show_search)
        desk.explore.state_changed.connect(self.arithmetic.follow)
        desk.explore.recipe_wanted.connect(self.arithmetic.follow_recipe)
        self.photo.recipe_found.connect(desk.explore.load_recipe)
        self.photo.opened.connect(self._show_source)
        self.photo.square_changed.connect(self._show_square)
        self.photo.live.connect(self._show_search)
        self.photo.live.connect(self._show_live)
        self.photo.told.connect(desk.window.stage.show_message)
        desk.explore.state_changed.connect(self.strip.follow)
        self.strip.told.connect(desk.window.stage.show_message)
        self.strip.mixes_changed.connect(desk.explore.set_mixes)
        self.strip.gesture_ended.connect(desk.explore.end_gesture)
        desk.explore.recipe_wanted.connect(self.movement.follow)
        self.movement.preview_wanted.connect(desk.render.show_recipe)
        desk.verify.inspected.connect(self._note_film)
        desk.verify.restore_wanted.connect(self._restore_film)
        desk.explore.recipe_wanted.connect(self.corners.follow)
        self.corners.slid.connect(desk.explore.slide_recipe)
        self.corners.told.connect(desk.window.stage.show_message)
        desk.window.export.options_changed.connect(self.movement.set_options)
        self.movement.set_options(desk.window.export.options)
        self.movement.kept.connect(desk.projects.remember)
        desk.projects.view_opened.connect(self.movement.open_view)
        self.movement.recipe_taken.connect(desk.explore.load_recipe)
        desk.explore.recipe_wanted.connect(self.drag.follow)
        self.drag.view_changed.connect(self.points.show_drag)
        self.drag.step_recipe.connect(desk.explore.load_recipe)
        self.drag.slid.connect(desk.explore.slide_recipe)
        self.drag.live.connect(self._show_live)
        desk.explore.recipe_wanted.connect(self.text.follow)
        self.text.recipe_found.connect(desk.explore.load_recipe)
        self.text.slid.connect(desk.explore.slide_recipe)
        self.text.live.connect(self._show_live)
        self.text.direction_wanted.connect(finding.find)
        self.arithmetic.recipe_chosen.connect(desk.explore.load_recipe)
        self.arithmetic.direction_wanted.connect(finding.find)
        self.arithmetic.told.connect(desk.window.stage.show_message)
        finding.renew_wanted.connect(desk.library.renew)
        self._column.panel_made.connect(self._panel_made)
        self._column.section_toggled.connect(desk.settings.set_open)
        self._column.section_toggled.connect(self._toggled)
        desk.window.page_shown.connect(self._page_shown)

    def _between_four(self, corners: tuple[Recipe, ...], x: float, y: float, space: Any) -> Recipe:
        return self.desk.studio.edit.between_four(corners, x, y, space)

    def close(self) -> None:
        """Stop the searches and the film."""
        self.movement.stop()
        self.searches.close()

    @property
    def idle(self) -> bool:
        """Whether nothing is searched for."""
        return self.searches.idle

    @Slot(str, object)
    def _panel_made(self, key: str, panel: QWidget) -> None:
        connect_panel(self, panel)
        if self._kit is not None and hasattr(panel, "set_kit"):
            panel.set_kit(self._kit)

    @Slot(object)
    def _show_source(self, picture: Shown) -> None:
        stage = self.desk.window.stage
        stage.source.show_picture(picture)
        stage.source.fit()
        stage.show_source(True)

    @Slot(object)
    def _show_square(self, square: Square) -> None:
        self.crop.show_square(square)
        self.desk.window.stage.show_source(True)

    @Slot()
    def _show_search(self) -> None:
        self.desk.window.stage.show_source(False)

    @Slot(object)
    def _show_live(self, picture: Shown) -> None:
        """A picture on the way; the next one that is rendered takes its place."""
        self.desk.window.stage.canvas.show_picture(picture)

    def open_photo(self, path: Path) -> None:
        """A picture of the user's own, dropped on this page."""
        self._column.open_section("photo")
        self.photo.open(path)

    @Slot()
    def ask_photo(self) -> None:
        """Which picture of the user's own."""
        name, _ = QFileDialog.getOpenFileName(self._column, "Open a picture", "", PICTURES)
        if name:
            self.photo.open(Path(name))

    @Slot()
    def ask_clip(self) -> None:
        """Which folder holds a CLIP."""
        name = QFileDialog.getExistingDirectory(self._column, "Import a CLIP")
        if name:
            self.text.bring(Path(name))

    @Slot()
    def ask_film(self) -> None:
        """Where the film goes."""
        name, _ = QFileDialog.getSaveFileName(self._column, "Export film", "film.mp4", FILMS)
        if name:
            self.movement.export(Path(name))

    @Slot(object)
    def _note_film(self, found: Inspection) -> None:
        self._film = found.verdict.film

    @Slot(object)
    def _restore_film(self, recipe: Recipe) -> None:
        """A film that was verified comes back with all its keys."""
        if self._film is not None:
            self.movement.load(self._film)
            self._film = None

    @Slot(object)
    def _show_kit(self, kit: Kit) -> None:
        self._kit = kit
        for panel in self._column.panels.values():
            if hasattr(panel, "set_kit"):
                panel.set_kit(kit)

    @Slot(str)
    def _page_shown(self, page: str) -> None:
        self._tell_open()

    @Slot(str, bool)
    def _toggled(self, key: str, is_open: bool) -> None:
        self._tell_open()

    def _tell_open(self) -> None:
        """Pictures are rendered for what is looked at."""
        here = self.desk.window.page == "edit"
        self.finding.set_open(here and self._is_open("find"))
        self.strip.set_open(here and self._is_open("strip"))
        over = self.points if here and self._is_open("drag") else None
        self.desk.window.stage.canvas.set_overlay(over)

    def _is_open(self, key: str) -> bool:
        section = self._column.sections.get(key)
        return section is not None and section.is_open

    # --- files

    @Slot()
    def ask_import(self) -> None:
        """Which file of directions."""
        name, _ = QFileDialog.getOpenFileName(self._column, "Import directions", "", DIRECTIONS)
        if name:
            self.finding.bring(Path(name))

    @Slot(object)
    def ask_export(self, info: DirectionInfo) -> None:
        """Where a direction goes."""
        name, _ = QFileDialog.getSaveFileName(
            self._column, "Export the direction", f"{info.name}.safetensors", DIRECTIONS
        )
        if name:
            self.finding.send(info, Path(name))

    @Slot(object)
    def ask_rename(self, info: DirectionInfo) -> None:
        """What a direction is to be called."""
        label, taken = QInputDialog.getText(self._column, "Rename", "Name:", text=info.label)
        if taken:
            self.finding.rename(info, label)
