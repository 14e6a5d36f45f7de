"""The export of a comparison, between its panel, the file dialog and the queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog

from desktop.controllers.sheet import SheetController
from desktop.messages import message_of
from desktop.views.compare_panel import ComparePanel
from engine.errors import AtelierError

if TYPE_CHECKING:
    from desktop.app import Desk

SHEETS = "Pictures (*.png *.jpg *.webp *.tiff *.avif)"


class SheetDesk(QObject):
    """Lives as long as the Desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self.sheets = SheetController(desk.studio, desk.jobs, self)
        desk.window.export.options_changed.connect(self.sheets.set_options)
        self.sheets.set_options(desk.window.export.options)

    def connect_panel(self, panel: ComparePanel) -> None:
        """The panel was made."""
        sheets = self.sheets
        panel.export_wanted.connect(self.ask)
        panel.cancel_wanted.connect(sheets.cancel)
        sheets.began.connect(panel.show_began)
        sheets.progressed.connect(panel.show_progress)
        sheets.done.connect(panel.show_receipt)
        sheets.stopped.connect(panel.show_stopped)
        sheets.told.connect(panel.show_message)

    @Slot()
    def ask(self) -> None:
        """Where the sheet goes."""
        name, _ = QFileDialog.getSaveFileName(
            self._desk.window, "Export comparison", "comparison.png", SHEETS
        )
        if name:
            self.export(Path(name))

    def export(self, path: Path) -> None:
        """Export the comparison as it is now."""
        try:
            grid = self._desk.compare.grid
        except AtelierError as error:
            self.sheets.told.emit(message_of(error))
            return
        if grid is not None:
            self.sheets.export(grid, path)
