"""A field that opens a menu of choices."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget


class Choice(QToolButton):
    """Shows the choice that holds; a click opens the others."""

    chosen = Signal(str)  # key

    def __init__(
        self, name: str, choices: Sequence[tuple[str, str]] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._key = ""
        self._words: dict[str, str] = {}
        self._menu = QMenu(self)
        self._name = name
        self.setMenu(self._menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setProperty("role", "field")
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setMinimumHeight(28)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_choices(choices)

    @property
    def key(self) -> str:
        """The choice that holds, "" for none."""
        return self._key

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer others; the one that holds stays where it is among them, else the first."""
        self._words = dict(choices)
        self._menu.clear()
        for key, words in choices:
            action = self._menu.addAction(words)
            action.setData(key)
            action.setCheckable(True)
            action.triggered.connect(self._take)
        self.set_key(self._key if self._key in self._words else next(iter(self._words), ""))

    def set_key(self, key: str, words: str = "") -> None:
        """Show a choice; `words` are for one that is not offered. Emits nothing."""
        self._key = key
        shown = self._words.get(key, words or self._name)
        self.setText(f"{shown}  ▾")
        self.setAccessibleDescription(shown)
        for action in self._menu.actions():
            action.setChecked(action.data() == key)

    def _take(self) -> None:
        action = self.sender()
        if action is not None and hasattr(action, "data"):
            self.set_key(str(action.data()))
            self.chosen.emit(self._key)
