"""A row of choices each of which holds or does not."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QToolButton, QWidget

from desktop.widgets.segment import Choice, segments


class Toggles(QWidget):
    """Buttons in one row, looking as those of Segmented, but not exclusive."""

    toggled = Signal(str, bool)  # the key, whether it holds now

    def __init__(self, name: str, choices: Sequence[Choice], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons = segments(self, name, choices)
        for button in self._buttons.values():
            button.clicked.connect(self._clicked)

    def set_keys(self, keys: Collection[str]) -> None:
        """Show which ones hold; emits nothing."""
        for key, button in self._buttons.items():
            button.setChecked(key in keys)

    def _clicked(self, on: bool) -> None:
        button = self.sender()
        if isinstance(button, QToolButton):
            self.toggled.emit(str(button.property("key")), on)
