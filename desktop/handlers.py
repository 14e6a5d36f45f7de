"""Slots for what needs more than one part of the window: actions, pages, files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import Slot
from PySide6.QtGui import QGuiApplication

from desktop.attack_state import is_attack
from desktop.diffuse_state import is_diffusion
from desktop.messages import LOCATE, Message, message_of
from desktop.picture_handlers import PictureHandlers
from desktop.views.explore_column import SECTIONS
from desktop.views.seed_panel import SeedPanel
from engine.errors import AtelierError
from engine.recipe import Recipe

if TYPE_CHECKING:
    from desktop.controllers.page import PageController

PROJECT_SUFFIX = ".atelier"
MODEL_SUFFIXES = (".pkl", ".pt", ".pth", ".safetensors", ".onnx")


class Handlers(PictureHandlers):
    """Every receiver is a slot here; nothing is kept but what an answer needs."""

    def connect_parts(self) -> None:
        """Signals whose slots are here."""
        desk, window = self._desk, self._window
        desk.render.frame_ready.connect(self._show_frame)
        self._canvas.painted.connect(desk.render.painted)
        self._canvas.menu_wanted.connect(self._canvas_menu)
        self._canvas.drag_wanted.connect(self._pull_picture)
        window.stage.action_wanted.connect(self._act_on)
        desk.explore.kit_changed.connect(self._show_kit)
        desk.layers.view_changed.connect(self._show_layers)
        desk.verify.restore_wanted.connect(self._restore)
        desk.history.chosen.connect(self._go_back)
        desk.projects.opened.connect(self._show_project)
        desk.projects.recipe_read.connect(self._show_read)
        desk.passphrase.asked.connect(self._ask_passphrase)
        window.export.verify_wanted.connect(self._verify_file)
        window.file_dropped.connect(self.open_file)
        window.recipe_dropped.connect(self._show_dropped)
        window.top.identity_wanted.connect(window.show_export)
        window.explore.section_toggled.connect(self._section_toggled)
        window.diffuse.section_toggled.connect(self._diffuse_toggled)
        window.rail.page_chosen.connect(self._show_page)
        window.closing.connect(desk.close)

    def connect_actions(self) -> None:
        """What every action does."""
        desk, window = self._desk, self._window
        slots = {
            "new": desk.projects.new,
            "open": window.ask_open,
            "import_model": window.ask_model,
            "import_folder": window.ask_model_folder,
            "model_card": self._show_card,
            "save": self._save,
            "save_as": self._save_as,
            "export": window.show_export,
            "verify": self._ask_verify,
            "undo": self._undo,
            "redo": self._redo,
            "palette": window.open_palette,
            "copy": self._copy,
            "copy_recipe": desk.hand.copy_recipe,
            "paste": self._paste,
            "random": self._random_seed,
            "next": self._next_seed,
            "previous": self._previous_seed,
            "go": self._go_to_seed,
            "corners": self._new_corners,
            "reset_motion": desk.conditions.reset_motion,
            "reset": desk.explore.reset_directions,
            "fit": self._canvas.fit,
            "actual": self._canvas.actual_size,
            "zoom_in": self._zoom_in,
            "zoom_out": self._zoom_out,
            "pixels": self._set_pixels,
            "pin": self._pin,
            "wipe": self._set_wipe,
            "side": self._set_beside,
            "difference": self._set_beside,
            "star": desk.history.star_current,
            "tray": window.tray.flip,
            "canvas": window.go_to_canvas,
            "train_run": desk.train.flip_running,
            "train_step": desk.train.step,
            "train_restart": desk.train.restart,
            "train_branch": desk.train.branch,
            "train_compare": desk.train.flip_compare,
            "quit": window.close,
        }
        for key, slot in slots.items():
            self._acts[key].triggered.connect(slot)
        pages = ("explore", "edit", "diffuse", "verify", "train", "attack")
        for key in (f"page_{page}" for page in pages):
            self._acts[key].triggered.connect(self._go_to_page)
        self._acts["move_plane"].toggled.connect(self._canvas.set_moving)
        for key in SECTIONS:
            self._acts[f"show_{key}"].triggered.connect(self._show_section)
        for mode in ("system", "dark", "light"):
            self._acts[f"theme_{mode}"].triggered.connect(self._set_theme)
            self._acts[f"theme_{mode}"].setChecked(desk.settings.theme == mode)
        desk.undo.indexChanged.connect(self._name_undo)

    @Slot()
    def _paste(self) -> None:
        self._window.show_page("explore")
        self._desk.explore.paste_text(QGuiApplication.clipboard().text())

    # --- seeds, of the page in use

    @property
    def _seeds(self) -> PageController[Any]:
        pages: dict[str, PageController[Any]] = {
            "diffuse": self._desk.diffuse,
            "attack": self._desk.attack.page,
        }
        return pages.get(self._window.page, self._desk.explore)

    @Slot()
    def _random_seed(self) -> None:
        self._seeds.random_seed()

    @Slot()
    def _next_seed(self) -> None:
        self._seeds.next_seed()

    @Slot()
    def _previous_seed(self) -> None:
        self._seeds.previous_seed()

    @Slot()
    def _new_corners(self) -> None:
        self._seeds.new_corners()

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
        self._desk.diffuse.end_gesture()
        self._desk.train.end_gesture()
        self._desk.attack.page.end_gesture()
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
        self._show_page(self.sender().objectName().removeprefix("page_"))

    @Slot(str)
    def _show_page(self, key: str) -> None:
        """A page, with its own picture on the canvas that all pages share."""
        before = self._window.page
        self._window.show_page(key)
        if key == "diffuse" and before != "diffuse":
            self._desk.diffuse.show_again()
        elif key == "attack" and before != "attack":
            self._desk.attack.page.show_again()
        elif key in ("explore", "edit") and before in ("diffuse", "attack"):
            self._desk.explore.show_again()

    def load(self, recipe: Recipe, text: str) -> None:
        """Show a Recipe on the page that has sliders for it."""
        if is_diffusion(recipe):
            self._window.show_page("diffuse")
            self._desk.diffuse.load_recipe(recipe, text)
        elif is_attack(recipe):
            self._window.show_page("attack")
            self._desk.attack.page.load_recipe(recipe, text)
        else:
            self._window.show_page("explore")
            self._desk.explore.load_recipe(recipe, text)

    def open_at(self, page: str, section: str) -> None:
        """A page, and a section of its column; "export" is the export panel."""
        if section == "export":
            self._window.show_export()
            return
        self._show_page(page)
        column = self._window.section_column
        if column is not None and section in column.sections:
            column.open_section(section)

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
        elif key == "layers":
            self._desk.layers.set_open(is_open)
            if not is_open:
                self._window.stage.show_over("")

    @Slot(str, bool)
    def _diffuse_toggled(self, key: str, is_open: bool) -> None:
        if key == "compare":
            self._desk.compare.set_open(is_open)
        elif key == "noise":
            self._desk.noises.set_open(is_open)

    @Slot()
    def _go_to_seed(self) -> None:
        self._window.show_page("explore")
        self._window.explore.open_section("seed")
        panel = self._window.explore.panels.get("seed")
        if isinstance(panel, SeedPanel):
            panel.focus_seed()

    @Slot(object)
    def open_file(self, path: Path) -> None:
        """Open what was dropped: a project, Recipe or model, or pictures to verify."""
        suffix = path.suffix.lower()
        if path.is_dir():
            self._window.show_page("verify")
            self._desk.verify.verify_folder(path)
        elif suffix == PROJECT_SUFFIX:
            self._desk.projects.open(path)
        elif suffix == ".json":
            self._desk.projects.read_recipe(path)
        elif suffix in MODEL_SUFFIXES or path.is_dir():
            self._desk.library.bring(path)
        elif self._window.page == "edit":
            self._desk.edit.open_photo(path)
        elif self._window.page == "attack":
            self._desk.attack.open_photo(path)
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
    def _restore(self, recipe: Recipe) -> None:
        self.load(recipe, "Restore from a picture")

    @Slot(object)
    def _go_back(self, recipe: Recipe) -> None:
        self.load(recipe, "Back in history")

    @Slot(str)
    def _show_dropped(self, text: str) -> None:
        """A picture that was dragged onto the canvas."""
        try:
            self.load(Recipe.from_json(text), "Take a dragged picture")
        except AtelierError as error:
            message = message_of(error)
            if message is not None:
                self._window.stage.show_message(message)

    @Slot(object)
    def _show_project(self, recipe: Recipe | None) -> None:
        self._desk.undo.clear()
        if recipe is not None:
            self.load(recipe, "Open project")
            self._desk.undo.clear()

    @Slot(object)
    def _show_read(self, recipe: Recipe) -> None:
        self.load(recipe, "Open Recipe")

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
        if message.action == LOCATE:
            self._window.locate_model(self._desk.library.wanted_sha256)
        elif message.details:
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
