"""A row of small keys, one a layer, any set of which may be down."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolButton, QWidget

PER_ROW = 10


class LayerKeys(QWidget):
    """Toggles numbered from 0. The last one that is down cannot be lifted."""

    changed = Signal(tuple)  # the layers that are down, ascending

    def __init__(self, name: str, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._keys: list[QToolButton] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        for i in range(count):
            key = QToolButton(self)
            key.setText(str(i))
            key.setCheckable(True)
            key.setProperty("role", "segment")
            key.setAccessibleName(f"{name}: layer {i}")
            key.setToolTip(f"Layer {i}: take it from the style source")
            key.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            key.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            key.setMinimumSize(20, 24)
            key.clicked.connect(self._clicked)
            grid.addWidget(key, i // PER_ROW, i % PER_ROW)
            self._keys.append(key)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that are down."""
        return tuple(i for i, key in enumerate(self._keys) if key.isChecked())

    def set_layers(self, layers: Iterable[int]) -> None:
        """Show a set; emits nothing."""
        down = set(layers)
        for i, key in enumerate(self._keys):
            key.setChecked(i in down)

    def _clicked(self) -> None:
        if not self.layers:
            sender = self.sender()
            if isinstance(sender, QToolButton):
                sender.setChecked(True)
            return
        self.changed.emit(self.layers)
