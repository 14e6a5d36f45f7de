"""Slots for what needs more than one part of the window: actions, pages, files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QPoint, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from desktop.display import Shown
from desktop.facts import Inspection
from desktop.kit import Kit
from desktop.messages import Message
from desktop.views.seed_panel import SeedPanel
from engine.frame import Frame
from engine.recipe import Recipe

if TYPE_CHECKING:
    from desktop.app import Desk

ZOOM = 1.25
PROJECT_SUFFIX = ".atelier"
MODEL_SUFFIXES = (".pkl", ".pt", ".pth", ".safetensors")


class Handlers(QObject):
    """Every receiver is a slot here; nothing is kept but what an answer needs."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._window = desk.window
        self._acts = desk.window.actions_by_name
        self._canvas = desk.window.stage.canvas

    def connect_parts(self) -> None:
        """Signals whose slots are here."""
        desk, window = self._desk, self._window
        desk.render.frame_ready.connect(self._show_frame)
        self._canvas.painted.connect(desk.render.painted)
        self._canvas.menu_wanted.connect(self._canvas_menu)
        window.stage.action_wanted.connect(self._act_on)
        desk.explore.kit_changed.connect(self._show_kit)
        desk.verify.inspected.connect(self._show_inspection)
        desk.verify.restore_wanted.connect(self._restore)
        desk.history.chosen.connect(self._go_back)
        desk.projects.opened.connect(self._show_project)
        desk.projects.recipe_read.connect(self._show_read)
        desk.passphrase.asked.connect(self._ask_passphrase)
        window.export.verify_wanted.connect(self._verify_file)
        window.file_dropped.connect(self.open_file)
        window.top.identity_wanted.connect(window.show_export)
        window.explore.section_toggled.connect(self._section_toggled)
        window.closing.connect(desk.close)

    def connect_actions(self) -> None:
        """What every action does."""
        desk, window = self._desk, self._window
        slots = {
            "new": desk.projects.new,
            "open": window.ask_open,
            "import_model": window.ask_model,
            "save": self._save,
            "save_as": self._save_as,
            "export": window.show_export,
            "verify": self._ask_verify,
            "undo": self._undo,
            "redo": self._redo,
            "palette": window.open_palette,
            "copy": self._copy,
            "copy_recipe": desk.exports.copy_recipe,
            "paste": self._paste,
            "random": desk.explore.random_seed,
            "next": desk.explore.next_seed,
            "previous": desk.explore.previous_seed,
            "go": self._go_to_seed,
            "corners": desk.explore.new_corners,
            "reset": desk.explore.reset_directions,
            "fit": self._canvas.fit,
            "actual": self._canvas.actual_size,
            "zoom_in": self._zoom_in,
            "zoom_out": self._zoom_out,
            "pixels": self._set_pixels,
            "pin": self._pin,
            "wipe": self._canvas.set_wiping,
            "star": desk.history.star_current,
            "tray": window.tray.flip,
            "canvas": window.go_to_canvas,
            "quit": window.close,
        }
        for key, slot in slots.items():
            self._acts[key].triggered.connect(slot)
        for key in ("page_explore", "page_verify"):
            self._acts[key].triggered.connect(self._go_to_page)
        for key in ("seed", "directions", "truncation", "mixing", "noise"):
            self._acts[f"show_{key}"].triggered.connect(self._show_section)
        for mode in ("system", "dark", "light"):
            self._acts[f"theme_{mode}"].triggered.connect(self._set_theme)
            self._acts[f"theme_{mode}"].setChecked(desk.settings.theme == mode)
        desk.undo.indexChanged.connect(self._name_undo)

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
        self._window.top.show_model(kit.info)
        self._desk.settings.set_text("model", kit.info.name)

    @Slot(QPoint)
    def _canvas_menu(self, place: QPoint) -> None:
        menu = QMenu(self._window)
        for key in ("copy", "copy_recipe", "paste", "", "fit", "actual", "pixels", "", "pin"):
            if key:
                menu.addAction(self._acts[key])
            else:
                menu.addSeparator()
        for key in ("wipe", "star"):
            menu.addAction(self._acts[key])
        menu.popup(place)

    @Slot()
    def _pin(self) -> None:
        self._canvas.pin()
        self._acts["wipe"].setEnabled(self._canvas.is_pinned)
        self._acts["wipe"].setChecked(self._canvas.wiping)

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
            self._desk.exports.copy_picture()

    @Slot()
    def _paste(self) -> None:
        self._window.show_page("explore")
        self._desk.explore.paste_text(QGuiApplication.clipboard().text())

    # --- undo

    @Slot()
    def _undo(self) -> None:
        self._end_gestures()
        self._desk.undo.undo()

    @Slot()
    def _redo(self) -> None:
        self._end_gestures()
        self._desk.undo.redo()

    def _end_gestures(self) -> None:
        """What the hand did last counts, even when it has not rested yet."""
        self._desk.explore.end_gesture()
        self._desk.matrix.end_gesture()

    @Slot()
    def _name_undo(self) -> None:
        undo = self._desk.undo
        for key, word, able, text in (
            ("undo", "Undo", undo.canUndo(), undo.undoText()),
            ("redo", "Redo", undo.canRedo(), undo.redoText()),
        ):
            keys = self._acts[key].shortcut().toString()
            self._acts[key].setEnabled(able)
            self._acts[key].setToolTip(f"{word} {text}".strip() + f" ({keys})")

    # --- pages and files

    @Slot()
    def _go_to_page(self) -> None:
        self._window.show_page(self.sender().objectName().removeprefix("page_"))

    @Slot()
    def _show_section(self) -> None:
        self._window.show_page("explore")
        self._window.explore.open_section(self.sender().objectName().removeprefix("show_"))

    @Slot(str, bool)
    def _section_toggled(self, key: str, is_open: bool) -> None:
        if key == "mixing":
            self._desk.matrix.set_open(is_open)
        elif key == "seed":
            self._desk.lattice.set_open(is_open)

    @Slot()
    def _go_to_seed(self) -> None:
        self._window.show_page("explore")
        self._window.explore.open_section("seed")
        panel = self._window.explore.panels.get("seed")
        if isinstance(panel, SeedPanel):
            panel.focus_seed()

    @Slot(object)
    def open_file(self, path: Path) -> None:
        """Open what was dropped: a project, a Recipe, a model, or a picture to verify."""
        suffix = path.suffix.lower()
        if suffix == PROJECT_SUFFIX:
            self._desk.projects.open(path)
        elif suffix == ".json":
            self._desk.projects.read_recipe(path)
        elif suffix in MODEL_SUFFIXES:
            self._desk.library.bring(path)
        else:
            self._verify_file(path)

    @Slot(object)
    def _verify_file(self, path: Path) -> None:
        self._window.show_page("verify")
        self._desk.verify.verify(path)

    @Slot()
    def _ask_verify(self) -> None:
        self._window.show_page("verify")
        self._window.verify.choose_file()

    @Slot(object)
    def _show_inspection(self, found: Inspection) -> None:
        self._window.verify.show_verdict(found.verdict)
        self._window.stage.photo.set_hint("This file holds no picture that can be shown.")
        self._window.stage.photo.show_picture(found.picture)

    @Slot(object)
    def _restore(self, recipe: Recipe) -> None:
        self._window.show_page("explore")
        self._desk.explore.load_recipe(recipe, "Restore from a picture")

    @Slot(object)
    def _go_back(self, recipe: Recipe) -> None:
        self._desk.explore.load_recipe(recipe, "Back in history")

    @Slot(object)
    def _show_project(self, recipe: Recipe | None) -> None:
        self._desk.undo.clear()
        if recipe is not None:
            self._desk.explore.load_recipe(recipe, "Open project")
            self._desk.undo.clear()

    @Slot(object)
    def _show_read(self, recipe: Recipe) -> None:
        self._window.show_page("explore")
        self._desk.explore.load_recipe(recipe, "Open Recipe")

    @Slot()
    def _save(self) -> None:
        path = self._desk.projects.path
        if path is None:
            self._save_as()
        else:
            self._desk.projects.save_as(path)

    @Slot()
    def _save_as(self) -> None:
        self._window.ask_save(self._desk.projects.title)

    @Slot(object)
    def _act_on(self, message: Message) -> None:
        if message.details:
            QGuiApplication.clipboard().setText(message.details)
        else:
            self._desk.projects.recover()

    @Slot()
    def _ask_passphrase(self) -> None:
        self._window.show_export()
        self._window.export.ask_passphrase()

    @Slot()
    def _set_theme(self) -> None:
        name = self.sender().objectName().removeprefix("theme_")
        modes: tuple[Literal["system", "dark", "light"], ...] = ("system", "dark", "light")
        for mode in modes:
            if mode == name:
                self._desk.settings.theme = mode
                self._desk.theme.apply(mode)
