"""Slots between the Verify panel and the canvas: the picture, and those to compare it with."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from desktop.facts import Comparison, Inspection
from desktop.views.main_window import MainWindow


class VerifyPage(QObject):
    """Keeps the pictures of a comparison for when they are asked for."""

    def __init__(self, window: MainWindow, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window = window
        self._compared: Comparison | None = None

    @Slot(object)
    def show_inspection(self, found: Inspection) -> None:
        """A file was read."""
        self._compared = None
        self._window.verify.show_verdict(found.verdict)
        self._window.stage.photo.set_hint("This file holds no picture that can be shown.")
        self._window.stage.show_photo(found.picture)

    @Slot(object)
    def keep_comparison(self, comparison: Comparison | None) -> None:
        """It was rendered again."""
        self._compared = comparison

    @Slot(str)
    def show_view(self, key: str) -> None:
        """Show one picture of the comparison on the canvas."""
        if self._compared is not None and key in self._compared.views:
            self._window.stage.show_photo(self._compared.views[key])
