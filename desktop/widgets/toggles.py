"""A row of choices each of which holds or does not."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget


class Toggles(QWidget):
    """Buttons in one row, looking as those of Segmented, but not exclusive."""

    toggled = Signal(str, bool)  # the key, whether it holds now

    def __init__(
        self,
        name: str,
        choices: Sequence[tuple[str, str, str]],  # key, words, tooltip
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._buttons: dict[str, QToolButton] = {}
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        for key, words, tip in choices:
            button = QToolButton(self)
            button.setText(words)
            button.setCheckable(True)
            button.setProperty("role", "segment")
            button.setProperty("key", key)
            button.setAccessibleName(f"{name}: {words}")
            button.setToolTip(tip)
            button.setMinimumHeight(26)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(self._clicked)
            self._buttons[key] = button
            line.addWidget(button)

    def set_keys(self, keys: Collection[str]) -> None:
        """Show which ones hold; emits nothing."""
        for key, button in self._buttons.items():
            button.setChecked(key in keys)

    def _clicked(self, on: bool) -> None:
        button = self.sender()
        if isinstance(button, QToolButton):
            self.toggled.emit(str(button.property("key")), on)
