"""Style mixing: the matrix, which layers, how far, and the mixes that are applied."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import MATRIX_SIZE, MatrixView
from desktop.kit import Kit, bands
from desktop.state import ExploreState, MixSetting, home_seed
from desktop.widgets.button import IconButton, push
from desktop.widgets.layer_keys import LayerKeys
from desktop.widgets.mix_grid import MixGrid
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label

AMOUNTS = (-2.0, 3.0)
NARROW_PX = 64


class MixingPanel(QWidget):
    """States which cell was taken and how the mixes should be."""

    cell_taken = Signal(int, int)
    source_wanted = Signal(int, int)
    dropped = Signal(int, int, str)
    bases_wanted = Signal()
    styles_wanted = Signal()
    canvas_wanted = Signal()
    band_chosen = Signal(str)
    layers_chosen = Signal(tuple)
    amount_changed = Signal(float)
    amount_ended = Signal()
    mix_amount_changed = Signal(int, float)
    mix_removed = Signal(int)
    gesture_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.grid = MixGrid("Style-mixing matrix", MATRIX_SIZE)
        self._bands = Segmented(
            "Layers to mix",
            (
                ("coarse", "Coarse", "Pose and shape: the layers up to 8 pixels"),
                ("middle", "Middle", "Features and hair: the layers of 16 and 32 pixels"),
                ("fine", "Fine", "Colour and detail: the layers from 64 pixels"),
            ),
        )
        self._keys_place = QVBoxLayout()
        self._keys: LayerKeys | None = None
        self._amount = SliderRow("Amount", 0, 1, 1.0, beyond=AMOUNTS, step=0.02, label_px=NARROW_PX)
        self._applied = QVBoxLayout()
        self._applied.setSpacing(0)
        self._rows: list[_Applied] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        column.addWidget(self.grid)
        column.addLayout(self._buttons())
        column.addWidget(self._bands)
        column.addLayout(self._keys_place)
        column.addWidget(self._amount)
        column.addLayout(self._applied)
        self.grid.taken.connect(self.cell_taken)
        self.grid.source_wanted.connect(self.source_wanted)
        self.grid.dropped.connect(self.dropped)
        self._bands.chosen.connect(self.band_chosen)
        self._amount.value_changed.connect(self.amount_changed)
        self._amount.gesture_ended.connect(self.amount_ended)

    def _buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(4)
        for words, tip, signal in (
            ("New bases", "Draw every base anew", self.bases_wanted),
            ("New styles", "Draw every style anew", self.styles_wanted),
            ("From canvas", "The face on the canvas becomes the first base", self.canvas_wanted),
        ):
            button = push(words, tip, "tight")
            button.clicked.connect(signal)
            line.addWidget(button, 1)
        return line

    def set_kit(self, kit: Kit) -> None:
        """As many layers as the model has."""
        if self._keys is not None:
            self._keys.deleteLater()
        self._keys = LayerKeys("Layers to mix", kit.info.num_ws)
        self._keys.changed.connect(self.layers_chosen)
        self._keys_place.addWidget(self._keys)
        fine = bands(kit.info.num_ws)["fine"]
        self._bands.setEnabled(bool(fine))

    def show_matrix(self, view: MatrixView) -> None:
        """Show sources, mixes and settings."""
        self.grid.set_pictures(view.pictures)
        self.grid.set_tips(view.tips)
        self.grid.set_chosen(view.chosen)
        self._bands.set_key(view.band)
        if self._keys is not None:
            self._keys.set_layers(view.state.layers)
        self._amount.set_value(view.state.amount)

    def show_state(self, state: ExploreState) -> None:
        """Show the mixes that are applied to the picture."""
        while len(self._rows) > len(state.mixes):
            row = self._rows.pop()
            row.hide()
            row.deleteLater()
        while len(self._rows) < len(state.mixes):
            row = _Applied(len(self._rows))
            row.amount_changed.connect(self.mix_amount_changed)
            row.removed.connect(self.mix_removed)
            row.gesture_ended.connect(self.gesture_ended)
            self._applied.addWidget(row)
            self._rows.append(row)
        for row, mix in zip(self._rows, state.mixes, strict=True):
            row.show_mix(mix)


class _Applied(QWidget):
    """One mix in the picture: what of whom, how far, and away with it."""

    amount_changed = Signal(int, float)
    removed = Signal(int)
    gesture_ended = Signal()

    def __init__(self, index: int) -> None:
        super().__init__()
        self._index = index
        self._words = label(tone="muted", wrap=True)
        remove = IconButton("close", f"Remove mix {index + 1}", "Remove this mix", size_px=14)
        self._row = SliderRow("Amount", 0, 1, 1.0, beyond=AMOUNTS, step=0.02, label_px=NARROW_PX)
        head = QHBoxLayout()
        head.addWidget(self._words, 1)
        head.addWidget(remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._row)
        self._row.value_changed.connect(self._moved)
        self._row.gesture_ended.connect(self.gesture_ended)
        remove.clicked.connect(self._remove)

    def show_mix(self, mix: MixSetting) -> None:
        """Show a mix."""
        seed = home_seed(mix.source)
        source = "a custom latent" if seed is None else f"seed {seed}"
        self._words.setText(f"Layers {_spans(mix.layers)} from {source}")
        self._row.set_value(mix.amount)

    def _moved(self, amount: float) -> None:
        self.amount_changed.emit(self._index, amount)

    def _remove(self) -> None:
        self.removed.emit(self._index)


def _spans(layers: tuple[int, ...]) -> str:
    """Layers in words: "0 to 3, 7"."""
    spans: list[list[int]] = []
    for layer in sorted(layers):
        if spans and layer == spans[-1][-1] + 1:
            spans[-1].append(layer)
        else:
            spans.append([layer])
    return ", ".join(f"{s[0]} to {s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)
