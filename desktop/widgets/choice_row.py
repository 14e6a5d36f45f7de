"""A labelled field that opens a menu of choices."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from desktop.widgets.slider_row import LABEL_PX


class ChoiceRow(QWidget):
    """States which choice is wanted. Up and Down take the neighbour without opening the menu."""

    chosen = Signal(str)  # the key of the choice

    def __init__(self, name: str, tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices: tuple[tuple[str, str], ...] = ()
        self._key = ""
        self._label = QLabel(name)
        self._label.setFixedWidth(LABEL_PX)
        self._menu = QMenu(self)
        self._field = QToolButton()
        self._field.setProperty("role", "field")
        self._field.setAccessibleName(name)
        self._field.setToolTip(tip or name)
        self._field.setMinimumHeight(28)
        self._field.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._field.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._field.setMenu(self._menu)
        self._label.setBuddy(self._field)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 2, 20, 2)
        line.setSpacing(4)
        line.addWidget(self._label)
        line.addWidget(self._field, 1)
        self._menu.triggered.connect(self._triggered)

    @property
    def key(self) -> str:
        """The choice that holds."""
        return self._key

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer (key, words); emits nothing."""
        if tuple(choices) == self._choices:
            return
        self._choices = tuple(choices)
        self._menu.clear()
        for key, words in choices:
            action = self._menu.addAction(words)
            action.setData(key)
            action.setCheckable(True)
        self.set_key(self._key)

    def set_key(self, key: str, words: str = "") -> None:
        """Show a choice; `words` are for one that is not offered. Emits nothing."""
        self._key = key
        text = dict(self._choices).get(key, words)
        self._field.setText(f"{text}  ▾" if text else "▾")
        self._field.setAccessibleDescription(text)
        for action in self._menu.actions():
            action.setChecked(action.data() == key)

    def _triggered(self) -> None:
        action = self._menu.activeAction()
        key = str(action.data()) if action is not None else self._key
        self.set_key(key)
        self.chosen.emit(key)
