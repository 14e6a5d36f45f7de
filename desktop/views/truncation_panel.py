"""Truncation: one psi, or one for each layer."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.kit import START_PSI, Kit
from desktop.state import ExploreState, layer_psis
from desktop.widgets.button import IconButton
from desktop.widgets.slider_row import SliderRow

LIMITS = (-2.0, 2.0)


class TruncationPanel(QWidget):
    """psi 1 leaves the latent as it is; 0 is the model's average."""

    psi_changed = Signal(float)
    layer_psi_changed = Signal(int, float)
    gesture_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._global = SliderRow("Psi", -1, 1.5, START_PSI, beyond=LIMITS)
        self._more = IconButton(
            "right", "Per layer", "A psi for each layer", size_px=14, text="Per layer", role="fold"
        )
        self._layers = QWidget()
        self._layers.hide()
        self._rows: list[SliderRow] = []
        self._inner = QVBoxLayout(self._layers)
        self._inner.setContentsMargins(0, 0, 0, 0)
        self._inner.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 8)
        column.setSpacing(0)
        column.addWidget(self._global)
        column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._layers)
        self._state: ExploreState | None = None
        self._num_ws = 0
        self._global.value_changed.connect(self.psi_changed)
        self._global.gesture_ended.connect(self.gesture_ended)
        self._more.clicked.connect(self._flip)

    def set_kit(self, kit: Kit) -> None:
        """As many layers as the model has."""
        if kit.info.num_ws != self._num_ws:
            self._num_ws = kit.info.num_ws
            for row in self._rows:
                row.deleteLater()
            self._rows = []
            if not self._layers.isHidden():
                self._make_rows()

    def show_state(self, state: ExploreState) -> None:
        """Show every psi."""
        self._state = state
        psis = layer_psis(state, self._num_ws)
        self._global.set_value(
            state.psi if isinstance(state.psi, float) else round(sum(psis) / len(psis), 3)
        )
        for row, psi in zip(self._rows, psis, strict=False):
            row.set_value(psi)

    def _flip(self) -> None:
        is_open = self._layers.isHidden()
        if is_open and not self._rows:
            self._make_rows()
        self._layers.setVisible(is_open)
        self._more.set_icon("down" if is_open else "right")

    def _make_rows(self) -> None:
        for layer in range(self._num_ws):
            row = SliderRow(f"Layer {layer}", -1, 1.5, START_PSI, beyond=LIMITS)
            row.setProperty("layer", layer)
            row.value_changed.connect(self._layer_moved)
            row.gesture_ended.connect(self.gesture_ended)
            self._inner.addWidget(row)
            self._rows.append(row)
        if self._state is not None:
            self.show_state(self._state)

    def _layer_moved(self, psi: float) -> None:
        row = self.sender()
        if row is not None:
            self.layer_psi_changed.emit(int(row.property("layer")), psi)
