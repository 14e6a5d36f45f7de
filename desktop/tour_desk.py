"""The welcome card and the guided tour: what opens them, and what they open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from desktop.controllers.tour import TourController, TourView
from desktop.facts import ProjectView

if TYPE_CHECKING:
    from desktop.app import Desk

SEEN = "welcomed"


class TourDesk(QObject):
    """Lives as long as the Desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._bar = desk.window.tour
        self._card = desk.window.stage.welcome
        self.tour = TourController(desk.studio, desk.files, desk.settings, self)
        self.tour.stop_shown.connect(self._show_stop)
        self.tour.left.connect(self._bar.hide)
        self.tour.told.connect(desk.window.stage.show_message)
        self._bar.back_wanted.connect(self.tour.back)
        self._bar.next_wanted.connect(self.tour.next)
        self._bar.again_wanted.connect(self.tour.again)
        self._bar.leave_wanted.connect(self.tour.leave)
        self._card.tour_wanted.connect(self._begin)
        self._card.new_wanted.connect(self._new)
        self._card.open_wanted.connect(self._open)
        self._card.recent_chosen.connect(self._open_recent)
        self._card.closed.connect(self.close_card)
        desk.projects.view_changed.connect(self._show_recent)
        actions = desk.window.actions_by_name
        actions["tour"].triggered.connect(self._begin)
        actions["welcome"].triggered.connect(self.welcome)

    def first_start(self) -> None:
        """Show the card until it was closed once."""
        if not self._desk.settings.text(SEEN):
            self.welcome()

    @Slot()
    def welcome(self) -> None:
        """Show the card over the canvas."""
        self._card.show_tour(self.tour.begun)
        self._card.appear()

    @Slot()
    def close_card(self) -> None:
        """Put the card away; it does not come by itself again."""
        self._desk.settings.set_text(SEEN, "yes")
        self._card.hide()

    @Slot()
    def _begin(self) -> None:
        self.close_card()
        self.tour.start()

    @Slot()
    def _new(self) -> None:
        self.close_card()
        self._desk.projects.new()

    @Slot()
    def _open(self) -> None:
        self.close_card()
        self._desk.window.ask_open()

    @Slot(object)
    def _open_recent(self, path: Path) -> None:
        self.close_card()
        self._desk.projects.open(path)

    @Slot(object)
    def _show_recent(self, view: ProjectView) -> None:
        self._card.show_recent(view.recent)

    @Slot(object)
    def _show_stop(self, view: TourView) -> None:
        """Open the stop's page with its picture, and say what there is to see."""
        stop, window = view.stop, self._desk.window
        if window.exporting:
            window.hide_export()
        window.stage.show_over("")
        self._desk.handlers.load(stop.recipe, f"Tour: {stop.title}")
        self._desk.handlers.open_at(stop.page, stop.section)
        if stop.experiment:
            self._desk.train.use_preset(stop.experiment)
        self._bar.show_stop(stop.title, stop.text, stop.trial, stop.paper, view.number, view.count)
