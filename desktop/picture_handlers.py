"""Slots for what is on the canvas: the picture, its card, its layers, its menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QSize, Qt, Slot
from PySide6.QtGui import QDrag, QGuiApplication, QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from desktop.display import Shown
from desktop.facts import LayersView
from desktop.kit import Kit
from desktop.views.explore_column import SECTIONS, fitting_sections
from desktop.views.layers_panel import LayersPanel
from engine.frame import Frame

if TYPE_CHECKING:
    from desktop.app import Desk

ZOOM = 1.25
THUMB_PX = 96
KEPT, SMOOTH = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation


class PictureHandlers(QObject):
    """The canvas of Explore and what lies over it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._window = desk.window
        self._acts = desk.window.actions_by_name
        self._canvas = desk.window.stage.canvas

    # --- the picture

    @Slot(object, object)
    def _show_frame(self, frame: Frame, picture: Shown) -> None:
        self._canvas.show_picture(picture, frame.recipe)
        self._window.stage.clear_error()
        self._window.stage.bar.set_size(f"{picture.width} × {picture.height} px")
        how = frame.settings.precision if frame.quality == "full" else "preview"
        self._window.status.set_backend(f"{frame.backend.upper()}, {how}")

    @Slot(object)
    def _show_kit(self, kit: Kit) -> None:
        settings = self._desk.settings
        settings.set_text("model", kit.info.name)
        settings.note_recent_model(kit.info.name)
        self._window.top.show_recent(settings.recent_models)
        self._window.top.show_model(kit.info)
        fitting = fitting_sections(kit)
        for key in SECTIONS:
            self._acts[f"show_{key}"].setEnabled(key in fitting)
        for key in ("move_plane", "reset_motion"):
            self._acts[key].setEnabled(kit.anatomy.movable)
        if not kit.anatomy.movable:
            self._acts["move_plane"].setChecked(False)

    @Slot()
    def _show_card(self) -> None:
        self._window.show_page("explore")
        over = "" if self._window.stage.over == "card" else "card"
        self._window.stage.show_over(over)

    @Slot(bool)
    def show_sheet(self, large: bool) -> None:
        """The channels of the layer in the canvas's place, or the picture again."""
        self._window.stage.show_over("sheet" if large else "")

    @Slot(str)
    def follow_over(self, over: str) -> None:
        """The panel shows whether its sheet lies on the canvas."""
        panel = self._window.explore.panels.get("layers")
        if isinstance(panel, LayersPanel):
            panel.show_large(over == "sheet")

    @Slot(object)
    def _show_layers(self, view: LayersView) -> None:
        self._window.stage.sheet.show_picture(view.picture)

    @Slot(QPoint)
    def _canvas_menu(self, place: QPoint) -> None:
        menu = QMenu(self._window)
        for key in ("copy", "copy_recipe", "paste", "", "fit", "actual", "pixels", "", "pin"):
            if key:
                menu.addAction(self._acts[key])
            else:
                menu.addSeparator()
        for key in ("wipe", "side", "difference", "", "star"):
            if not key:
                menu.addSeparator()
                continue
            menu.addAction(self._acts[key])
        menu.popup(place)

    @Slot()
    def _pin(self) -> None:
        self._canvas.pin()
        for key in ("wipe", "side", "difference"):
            self._acts[key].setEnabled(self._canvas.is_pinned)
        self._acts["wipe"].setChecked(self._canvas.wiping)

    @Slot(bool)
    def _set_wipe(self, wiping: bool) -> None:
        self._canvas.set_wiping(wiping)
        if wiping:
            self._uncheck("wipe")

    @Slot(bool)
    def _set_beside(self, shown: bool) -> None:
        how = self.sender().objectName()
        self._canvas.set_beside(how if shown else "")
        if shown:
            self._uncheck(how)

    def _uncheck(self, kept: str) -> None:
        """One way to compare at a time."""
        for key in ("wipe", "side", "difference"):
            if key != kept:
                self._acts[key].setChecked(False)

    @Slot(bool)
    def _set_pixels(self, bare: bool) -> None:
        self._canvas.set_smooth(not bare)

    @Slot()
    def _zoom_in(self) -> None:
        self._canvas.zoom(ZOOM)

    @Slot()
    def _zoom_out(self) -> None:
        self._canvas.zoom(1 / ZOOM)

    @Slot()
    def _copy(self) -> None:
        focused = QApplication.focusWidget()
        if isinstance(focused, QLabel) and focused.hasSelectedText():
            QGuiApplication.clipboard().setText(focused.selectedText())
        else:
            self._desk.hand.copy_picture()

    @Slot()
    def _pull_picture(self) -> None:
        """The picture goes along with the pointer, out of the window as a signed file."""
        recipe, picture = self._desk.hand.recipe, self._canvas.picture
        if recipe is None or picture is None:
            return
        drag = QDrag(self._canvas)
        drag.setMimeData(self._desk.hand.data_of(recipe))
        size = QSize(THUMB_PX, THUMB_PX)
        drag.setPixmap(QPixmap.fromImage(picture.exact.scaled(size, KEPT, SMOOTH)))
        drag.exec(Qt.DropAction.CopyAction)
