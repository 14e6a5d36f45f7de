"""The mixing strip: any number of sources, painted layer by layer onto the picture."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import StripView
from desktop.widgets.button import push
from desktop.widgets.layer_strip import LayerStrip, StripRow
from desktop.widgets.recipe_drag import carries, text_of
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label

HINT = (
    "Add pictures as sources, or drop them here, then drag over the layers that are to come from "
    "them. What is not painted stays as it is. Click a number to lock a layer, a picture to take "
    "it out."
)


class StripPanel(QWidget):
    """States what is painted."""

    add_wanted = Signal()
    random_wanted = Signal()
    shuffle_wanted = Signal()
    clear_wanted = Signal()
    amount_changed = Signal(float)
    dropped = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.strip = LayerStrip("Mixing strip")
        hint = label(HINT, tone="muted", wrap=True)
        self._amount = SliderRow("Amount", 0, 1, 1.0, beyond=(-2, 3), step=0.02, label_px=64)
        add = push("Add canvas", "The picture on the canvas becomes a source", "tight")
        draw = push("Add random", "A random seed becomes a source", "tight")
        shuffle = push("Shuffle", "Take every layer that is not locked from any source", "tight")
        clear = push("Clear", "Take every source out", "tight")
        line = QHBoxLayout()
        line.setSpacing(4)
        for button in (add, draw, shuffle, clear):
            line.addWidget(button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        column.addWidget(hint)
        column.addWidget(self.strip)
        column.addWidget(self._amount)
        column.addLayout(line)
        add.clicked.connect(self.add_wanted)
        draw.clicked.connect(self.random_wanted)
        shuffle.clicked.connect(self.shuffle_wanted)
        clear.clicked.connect(self.clear_wanted)
        self._amount.value_changed.connect(self.amount_changed)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a picture of this program."""
        if carries(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """It becomes a source."""
        self.dropped.emit(text_of(event))
        event.acceptProposedAction()

    def show_strip(self, view: StripView) -> None:
        """Show sources and what is painted."""
        rows = [
            StripRow(name, image, amounts)
            for name, image, amounts in zip(view.names, view.images, view.amounts, strict=True)
        ]
        self.strip.set_strip(rows, view.layers, view.locked)
        self.strip.setVisible(bool(rows))
        self._amount.set_value(view.amount)
