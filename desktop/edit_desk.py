"""The Edit page: its lane, its controllers, and which of their signals reaches which panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from desktop.controllers.arithmetic import ArithmeticController
from desktop.controllers.dragging import DragController
from desktop.controllers.finding import FindingController
from desktop.controllers.movement import MovementController
from desktop.controllers.photo import PhotoController
from desktop.controllers.strip import StripController
from desktop.display import Shown
from desktop.kit import Kit
from desktop.lanes import QueueLane
from desktop.views.arithmetic_panel import ArithmeticPanel
from desktop.views.crop_overlay import CropOverlay
from desktop.views.drag_overlay import DragOverlay
from desktop.views.drag_panel import DragPanel
from desktop.views.effects_panel import EffectsPanel
from desktop.views.find_panel import FindPanel
from desktop.views.movement_panel import MovementPanel
from desktop.views.photo_panel import PhotoPanel
from desktop.views.strip_panel import StripPanel
from engine.frame import DirectionInfo

if TYPE_CHECKING:
    from desktop.app import Desk

PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.tiff *.tif *.avif);;All files (*)"
FILMS = "Films (*.mp4 *.webm *.gif *.webp);;Stills (*.png)"
DIRECTIONS = "Directions (*.safetensors *.npy *.npz *.pkl);;All files (*)"


class EditDesk(QObject):
    """Lives as long as the Desk. Searches have a lane of their own: an export never waits."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._column = desk.window.edit
        self.searches = QueueLane(self, "searches")
        self.finding = FindingController(desk.studio, self.searches, desk.thumbs, self)
        self.arithmetic = ArithmeticController(desk.undo, desk.thumbs, self)
        self.photo = PhotoController(desk.studio, self.searches, self)
        self.crop = CropOverlay(self.photo.set_square)
        desk.window.stage.source.set_overlay(self.crop)
        self.drag = DragController(desk.studio, self.searches, desk.undo, self)
        drag = self.drag
        self.points = DragOverlay(
            drag.place, drag.move_point, drag.remove_point, drag.paint, drag.end_gesture
        )
        self.movement = MovementController(
            desk.studio, desk.jobs, self.searches, desk.undo, desk.thumbs, self
        )
        self.strip = StripController(desk.thumbs, self)
        self._kit: Kit | None = None
        self._connect()

    def _connect(self) -> None:
        desk, finding = self._desk, self.finding
        for signal in (desk.explore.kit_changed, desk.explore.kit_grew):
            signal.connect(finding.set_kit)
            signal.connect(self.photo.set_kit)
            signal.connect(self.strip.set_kit)
            signal.connect(self._show_kit)
        desk.explore.kit_grew.connect(desk.window.explore.grow_kit)
        desk.explore.state_changed.connect(finding.follow)
        desk.explore.state_changed.connect(self._show_search)
        desk.explore.state_changed.connect(self.arithmetic.follow)
        desk.explore.recipe_wanted.connect(self.arithmetic.follow_recipe)
        self.photo.recipe_found.connect(desk.explore.load_recipe)
        self.photo.opened.connect(self._show_source)
        self.photo.began.connect(self._show_search)
        self.photo.live.connect(self._show_live)
        self.photo.told.connect(desk.window.stage.show_message)
        desk.explore.state_changed.connect(self.strip.follow)
        self.strip.mixes_changed.connect(desk.explore.set_mixes)
        self.strip.gesture_ended.connect(desk.explore.end_gesture)
        desk.explore.recipe_wanted.connect(self.movement.follow)
        self.movement.preview_wanted.connect(desk.render.show_recipe)
        self.movement.recipe_taken.connect(desk.explore.load_recipe)
        desk.explore.recipe_wanted.connect(self.drag.follow)
        self.drag.view_changed.connect(self.points.show_drag)
        self.drag.step_recipe.connect(desk.explore.load_recipe)
        self.drag.slid.connect(desk.explore.slide_recipe)
        self.drag.live.connect(self._show_live)
        self.arithmetic.recipe_chosen.connect(desk.explore.load_recipe)
        self.arithmetic.direction_wanted.connect(finding.find)
        self.arithmetic.told.connect(desk.window.stage.show_message)
        finding.renew_wanted.connect(desk.library.renew)
        self._column.panel_made.connect(self._panel_made)
        self._column.section_toggled.connect(desk.settings.set_open)
        self._column.section_toggled.connect(self._toggled)
        desk.window.page_shown.connect(self._page_shown)

    def close(self) -> None:
        """Stop the searches, and end their process where one was started."""
        self.movement.stop()
        self.searches.close()
        editor = vars(self._desk.studio).get("edit")
        if editor is not None:
            editor.close()

    @property
    def idle(self) -> bool:
        """Whether nothing is searched for."""
        return self.searches.idle

    @Slot(str, object)
    def _panel_made(self, key: str, panel: QWidget) -> None:
        if isinstance(panel, FindPanel):
            self._connect_find(panel)
        elif isinstance(panel, PhotoPanel):
            self._connect_photo(panel)
        elif isinstance(panel, DragPanel):
            self._connect_drag(panel)
        elif isinstance(panel, MovementPanel):
            self._connect_movement(panel)
        elif isinstance(panel, StripPanel):
            self._connect_strip(panel)
        elif isinstance(panel, ArithmeticPanel):
            self._connect_arithmetic(panel)
        elif isinstance(panel, EffectsPanel):
            panel.import_wanted.connect(self._ask_import)
            panel.export_wanted.connect(self._ask_export)
            panel.rename_wanted.connect(self._ask_rename)
            panel.remove_wanted.connect(self.finding.remove)
        if self._kit is not None and hasattr(panel, "set_kit"):
            panel.set_kit(self._kit)

    def _connect_find(self, panel: FindPanel) -> None:
        finding = self.finding
        panel.find_wanted.connect(finding.find)
        panel.marks_wanted.connect(finding.learn)
        panel.marked.connect(finding.mark)
        panel.fresh_wanted.connect(finding.fresh)
        panel.cancel_wanted.connect(finding.cancel)
        finding.marks_changed.connect(panel.show_marks)
        finding.began.connect(panel.show_began)
        finding.progressed.connect(panel.show_progress)
        finding.found.connect(panel.show_found)
        finding.stopped.connect(panel.show_stopped)
        finding.told.connect(panel.show_message)

    def _connect_photo(self, panel: PhotoPanel) -> None:
        photo = self.photo
        panel.open_wanted.connect(self._ask_photo)
        panel.search_wanted.connect(photo.search)
        panel.resume_wanted.connect(photo.resume)
        panel.cancel_wanted.connect(photo.cancel)
        panel.crop_wanted.connect(self._desk.window.stage.show_source)
        photo.view_changed.connect(panel.show_photo)
        photo.began.connect(panel.show_began)
        photo.progressed.connect(panel.show_progress)
        photo.found.connect(panel.show_found)
        photo.stopped.connect(panel.show_stopped)
        photo.told.connect(panel.show_message)
        photo.publish()

    @Slot(object)
    def _show_source(self, picture: Shown) -> None:
        stage = self._desk.window.stage
        stage.source.show_picture(picture)
        stage.source.fit()
        self.crop.begin(picture.width, picture.height)
        stage.show_source(True)

    @Slot()
    def _show_search(self) -> None:
        self._desk.window.stage.show_source(False)

    @Slot(object)
    def _show_live(self, picture: Shown) -> None:
        """A picture on the way; the next one that is rendered takes its place."""
        self._desk.window.stage.canvas.show_picture(picture)

    def open_photo(self, path: Path) -> None:
        """A picture of the user's own, dropped on this page."""
        self._column.open_section("photo")
        self.photo.open(path)

    @Slot()
    def _ask_photo(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._column, "Open a picture", "", PICTURES)
        if name:
            self.photo.open(Path(name))

    def _connect_drag(self, panel: DragPanel) -> None:
        drag = self.drag
        panel.drag_wanted.connect(drag.start)
        panel.cancel_wanted.connect(drag.cancel)
        panel.clear_wanted.connect(drag.clear)
        panel.mask_cleared.connect(drag.clear_mask)
        panel.mode_chosen.connect(drag.set_mode)
        panel.brush_changed.connect(drag.set_brush)
        panel.step_chosen.connect(drag.go_to_step)
        panel.step_ended.connect(self._desk.explore.end_gesture)
        drag.view_changed.connect(panel.show_drag)
        drag.began.connect(panel.show_began)
        drag.progressed.connect(panel.show_progress)
        drag.done.connect(panel.show_done)
        drag.stopped.connect(panel.show_stopped)
        drag.told.connect(panel.show_message)
        drag.publish()

    def _connect_movement(self, panel: MovementPanel) -> None:
        film, line = self.movement, panel.timeline
        panel.add_wanted.connect(film.add)
        panel.setting_changed.connect(film.set_setting)
        panel.loop_changed.connect(film.set_loop)
        panel.loop_ended.connect(film.end_gesture)
        panel.play_wanted.connect(film.play)
        panel.frame_wanted.connect(film.take_frame)
        panel.even_wanted.connect(film.even_out)
        panel.export_wanted.connect(self._ask_film)
        panel.cancel_wanted.connect(film.cancel)
        panel.clear_wanted.connect(film.clear)
        line.scrubbed.connect(film.scrub)
        line.key_moved.connect(film.move_key)
        line.key_move_ended.connect(film.end_gesture)
        line.key_chosen.connect(film.show_key)
        line.key_removed.connect(film.remove)
        line.dropped.connect(film.drop)
        film.view_changed.connect(panel.show_film)
        film.began.connect(panel.show_began)
        film.progressed.connect(panel.show_progress)
        film.exported.connect(panel.show_receipt)
        film.stopped.connect(panel.show_stopped)
        film.told.connect(panel.show_message)
        film.publish()

    @Slot()
    def _ask_film(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self._column, "Export film", "film.mp4", FILMS)
        if name:
            self.movement.export(Path(name))

    def _connect_strip(self, panel: StripPanel) -> None:
        strip = self.strip
        panel.add_wanted.connect(strip.add)
        panel.random_wanted.connect(strip.add_random)
        panel.shuffle_wanted.connect(strip.shuffle)
        panel.clear_wanted.connect(strip.clear)
        panel.amount_changed.connect(strip.set_amount)
        panel.strip.painted.connect(strip.paint)
        panel.strip.wiped.connect(strip.wipe)
        panel.strip.paint_ended.connect(self._desk.explore.end_gesture)
        panel.strip.lock_wanted.connect(strip.flip_lock)
        panel.strip.remove_wanted.connect(strip.remove)
        strip.view_changed.connect(panel.show_strip)
        strip.publish()

    def _connect_arithmetic(self, panel: ArithmeticPanel) -> None:
        sums = self.arithmetic
        panel.add_wanted.connect(sums.add)
        panel.show_wanted.connect(sums.show)
        panel.remove_wanted.connect(sums.remove)
        panel.swap_wanted.connect(sums.swap)
        panel.dropped.connect(sums.drop)
        panel.space_chosen.connect(sums.set_space)
        panel.amount_changed.connect(sums.set_amount)
        panel.amount_ended.connect(sums.end_gesture)
        panel.result_wanted.connect(sums.show_result)
        panel.direction_wanted.connect(sums.keep_direction)
        panel.clear_wanted.connect(sums.clear)
        sums.view_changed.connect(panel.show_sum)
        sums.publish()

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
        here = self._desk.window.page == "edit"
        self.finding.set_open(here and self._is_open("find"))
        self.strip.set_open(here and self._is_open("strip"))
        over = self.points if here and self._is_open("drag") else None
        self._desk.window.stage.canvas.set_overlay(over)

    def _is_open(self, key: str) -> bool:
        section = self._column.sections.get(key)
        return section is not None and section.is_open

    # --- files

    @Slot()
    def _ask_import(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._column, "Import directions", "", DIRECTIONS)
        if name:
            self.finding.bring(Path(name))

    @Slot(object)
    def _ask_export(self, info: DirectionInfo) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self._column, "Export the direction", f"{info.name}.safetensors", DIRECTIONS
        )
        if name:
            self.finding.send(info, Path(name))

    @Slot(object)
    def _ask_rename(self, info: DirectionInfo) -> None:
        label, taken = QInputDialog.getText(self._column, "Rename", "Name:", text=info.label)
        if taken:
            self.finding.rename(info, label)
