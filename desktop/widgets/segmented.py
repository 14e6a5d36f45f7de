"""A row of choices of which one holds."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QToolButton, QWidget

from desktop.widgets.segment import Choice, segments


class Segmented(QWidget):
    """Exclusive buttons in one row; arrows walk along them."""

    chosen = Signal(str)  # the key of the choice

    def __init__(self, name: str, choices: Sequence[Choice], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._buttons = segments(self, name, choices)
        for button in self._buttons.values():
            self._group.addButton(button)
        self._group.buttonClicked.connect(self._clicked)

    @property
    def key(self) -> str:
        """The choice that holds, "" when none does."""
        button = self._group.checkedButton()
        return str(button.property("key")) if button is not None else ""

    def set_key(self, key: str) -> None:
        """Show a choice; a key that is not among them shows none. Emits nothing."""
        button = self._buttons.get(key)
        if button is not None:
            button.setChecked(True)
            return
        self._group.setExclusive(False)
        for other in self._buttons.values():
            other.setChecked(False)
        self._group.setExclusive(True)

    def key_at(self, place: QPoint) -> str:
        """The choice under a point of this widget, "" for none."""
        found = (key for key, b in self._buttons.items() if b.geometry().contains(place))
        return next(found, "")

    def set_enabled(self, key: str, able: bool) -> None:
        """Whether a choice can be taken."""
        self._buttons[key].setEnabled(able)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right take the neighbour."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        keys = list(self._buttons)
        if step and self.key in keys:
            key = keys[(keys.index(self.key) + step) % len(keys)]
            self._buttons[key].setFocus()
            self._buttons[key].click()
            return
        super().keyPressEvent(event)

    def _clicked(self, button: QToolButton) -> None:
        self.chosen.emit(str(button.property("key")))
