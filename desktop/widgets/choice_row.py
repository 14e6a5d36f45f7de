"""A labelled field that opens a menu of choices."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.widgets.choice import Choice
from desktop.widgets.labelled_row import lay_labelled


class ChoiceRow(QWidget):
    """The words at the left, a Choice at the right."""

    chosen = Signal(str)  # the key of the choice

    def __init__(self, name: str, tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._field = Choice(name)
        self._field.setToolTip(tip or name)
        lay_labelled(self, name, self._field)
        self._field.chosen.connect(self.chosen)

    @property
    def key(self) -> str:
        """The choice that holds."""
        return self._field.key

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer (key, words); emits nothing."""
        self._field.set_choices(choices)

    def set_key(self, key: str, words: str = "") -> None:
        """Show a choice; `words` are for one that is not offered. Emits nothing."""
        self._field.set_key(key, words)
