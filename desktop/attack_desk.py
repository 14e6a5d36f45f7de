"""The Attack page: its controllers, and which of their signals reaches which panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.attack_facts import FlipView
from desktop.controllers.attack import AttackController
from desktop.controllers.attack_looks import AttackLooks
from desktop.file_kinds import PICTURES
from desktop.views.attack_latent_panel import LatentPanel
from desktop.views.attack_method_panel import MethodPanel
from desktop.views.attack_target_panel import TargetPanel
from engine.perturbing import FastGradient, FlipWish, Perturb
from engine.recipe import Recipe

if TYPE_CHECKING:
    from desktop.app import Desk

TABLES = ("transfer", "survival")


class AttackDesk(QObject):
    """Lives as long as the Desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._column = desk.window.attack
        self.page = AttackController(desk.studio, desk.files, desk.undo, self)
        self.looks = AttackLooks(desk.studio, self)
        self._flipped: FlipView | None = None
        self._connect()

    def _connect(self) -> None:
        desk, page, looks, column = self.desk, self.page, self.looks, self._column
        for other in (desk.explore, desk.diffuse):
            other.recipe_wanted.connect(page.follow)
        desk.explore.recipe_wanted.connect(self._give_way)
        page.recipe_wanted.connect(desk.render.show_recipe)
        page.recipe_wanted.connect(desk.exports.follow)
        page.recipe_wanted.connect(looks.follow)
        page.settled.connect(desk.history.settle)
        page.told.connect(desk.window.stage.show_picture_message)
        page.kit_changed.connect(column.set_kit)
        page.state_changed.connect(column.show_state)
        page.page_wanted.connect(desk.window.show_page)
        looks.look_changed.connect(column.show_look)
        looks.report_changed.connect(column.show_report)
        looks.trouble.connect(column.show_trouble)
        looks.pattern_found.connect(page.take_pattern)
        looks.flipped.connect(self._keep_flip)
        column.panel_made.connect(self._panel_made)
        column.section_toggled.connect(self._toggled)
        desk.window.page_shown.connect(self._tell_open)

    @property
    def idle(self) -> bool:
        """Whether nothing is attacked or searched for."""
        return self.looks.idle

    def close(self) -> None:
        """Stop the lanes."""
        self.looks.close()

    def open_photo(self, path: Path) -> None:
        """A photo that was dropped on this page."""
        self.page.open(path)

    @Slot()
    def _give_way(self) -> None:
        """Explore's picture is wanted, as by undo: it is not shown beside another's controls."""
        if self.desk.window.page == "attack":
            self.desk.window.show_page("explore")

    @Slot(str, object)
    def _panel_made(self, key: str, panel: QWidget) -> None:
        page, looks = self.page, self.looks
        if isinstance(panel, TargetPanel):
            panel.current_wanted.connect(page.take_explored)
            panel.open_wanted.connect(self._ask_photo)
            panel.victim_chosen.connect(page.use)
            panel.question_chosen.connect(page.ask)
            panel.target_chosen.connect(page.aim)
        elif isinstance(panel, MethodPanel):
            panel.field_changed.connect(page.set_field)
            panel.gesture_ended.connect(page.end_gesture)
            panel.transform_changed.connect(page.set_transform)
            panel.pattern_wanted.connect(self._find_universal)
        elif isinstance(panel, LatentPanel):
            panel.flip_wanted.connect(self._flip)
            panel.take_wanted.connect(self._take_flip)
            looks.live.connect(panel.show_live)
            looks.flipped.connect(panel.show_flip)
        if isinstance(panel, MethodPanel | LatentPanel):
            panel.cancel_wanted.connect(looks.cancel)
            looks.began.connect(panel.show_began)
            looks.progressed.connect(panel.show_progress)
            looks.ended.connect(panel.show_ended)
            looks.told.connect(panel.show_message)

    @Slot()
    def _ask_photo(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._column, "Attack a photo", "", PICTURES)
        if name:
            self.page.open(Path(name))

    @Slot()
    def _find_universal(self) -> None:
        state = self.page.state
        if state is not None:
            wish = Perturb(state.image, state.victim, FastGradient(), state.epsilon, state.question)
            self.looks.find_universal(Recipe(wish))

    @Slot(str, int)
    def _flip(self, question: str, target: int) -> None:
        state = self.page.state
        if state is not None:
            self.looks.flip(FlipWish(Recipe(state.image), question, target))

    @Slot(object)
    def _keep_flip(self, view: FlipView) -> None:
        self._flipped = view

    @Slot()
    def _take_flip(self) -> None:
        if self._flipped is not None:
            self.desk.window.show_page("explore")
            self.desk.explore.load_recipe(self._flipped.flip.recipe, "Move in w")

    @Slot(str, bool)
    def _toggled(self, key: str, is_open: bool) -> None:
        self.desk.settings.set_open(f"attack_{key}", is_open)
        self._tell_open(self.desk.window.page)

    @Slot(str)
    def _tell_open(self, page: str) -> None:
        sections = self._column.sections
        shown = any(key in sections and sections[key].is_open for key in TABLES)
        self.looks.set_open(page == "attack" and shown)
