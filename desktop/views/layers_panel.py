"""What a layer of the generator answers to the current picture."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import LayersView
from desktop.messages import plain
from desktop.widgets.button import IconButton
from desktop.widgets.pick_list import PickButton
from desktop.widgets.sheet_view import SheetView
from desktop.widgets.text import label

HINT = "The layers are being looked into.\nThe first time takes a few seconds."


class LayersPanel(QWidget):
    """A layer by name, and its channels as a sheet of grey tiles."""

    layer_chosen = Signal(str)
    large_wanted = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._index = 0
        self.pick = PickButton("layers", "Layer", "Choose a layer to look into")
        before = IconButton("previous", "Layer before", "The layer before this one")
        after = IconButton("next", "Layer after", "The layer after this one")
        self.large = IconButton(
            "enlarge", "Show on the canvas", "Show the channels on the canvas", checkable=True
        )
        self.sheet = SheetView("Channels of the layer", HINT)
        self._words = label(tone="muted", wrap=True)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 8, 0)
        head.setSpacing(4)
        head.addWidget(self.pick, 1)
        for button in (before, after, self.large):
            head.addWidget(button)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 8, 0)
        line.addWidget(self.sheet)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(line)
        column.addWidget(self._words)
        self.pick.picked.connect(self._choose)
        before.clicked.connect(self._before)
        after.clicked.connect(self._after)
        self.large.clicked.connect(self.large_wanted)
        self.sheet.large_wanted.connect(self._want_large)

    def show_layers(self, view: LayersView) -> None:
        """Show a layer's channels."""
        found = view.activations
        self._names = tuple(layer.name for layer in found.layers)
        self._index = self._names.index(found.layer.name)
        self.pick.set_names([plain(_words(view, i), 60) for i in range(len(self._names))])
        self.pick.set_index(self._index)
        self.pick.set_words(plain(found.layer.name, 40))
        layer = found.layer
        step = found.tile_px + 1
        self.sheet.show_sheet(view.picture.exact, found.columns, step, layer.channels)
        self._words.setText(
            f"{layer.channels} channels of {layer.width} × {layer.height}; "
            "each from its darkest to its brightest value."
        )

    def show_trouble(self, words: str) -> None:
        """Why there is nothing to see."""
        self.sheet.show_sheet(None, 1, 1, 0)
        self.sheet.set_hint(words)
        self._words.setText("")

    def show_large(self, large: bool) -> None:
        """Whether the sheet lies on the canvas."""
        self.large.setChecked(large)

    def _choose(self, index: int) -> None:
        if 0 <= index < len(self._names):
            self.layer_chosen.emit(self._names[index])

    def _before(self) -> None:
        self._choose(self._index - 1)

    def _after(self) -> None:
        self._choose(self._index + 1)

    def _want_large(self) -> None:
        self.large_wanted.emit(not self.large.isChecked())


def _words(view: LayersView, index: int) -> str:
    layer = view.activations.layers[index]
    return f"{layer.name}  ·  {layer.channels} × {layer.width} × {layer.height}"
