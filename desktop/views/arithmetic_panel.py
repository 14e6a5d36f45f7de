"""The pad "A - B + C": several pictures a row, averaged."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import MOST_SUMMED, SumView
from desktop.kit import Kit
from desktop.widgets.button import push
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.sum_pad import SumPad, SumRow
from desktop.widgets.text import label

ROWS = (("A", "A"), ("− B", "B"), ("+ C", "C"))
HINT = (
    "Put pictures with something in A, without it in B, and the picture to change in C. "
    "Three in A and B, better eight, make the difference what they share."
)


class ArithmeticPanel(QWidget):
    """States what was added, swapped and asked for."""

    add_wanted = Signal(int)
    show_wanted = Signal(int, int)
    remove_wanted = Signal(int, int)
    swap_wanted = Signal(int, int, int, int)
    dropped = Signal(int, str)
    space_chosen = Signal(str)
    amount_changed = Signal(float)
    amount_ended = Signal()
    result_wanted = Signal()
    direction_wanted = Signal()
    clear_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.pad = SumPad("A − B + C", MOST_SUMMED)
        self._hint = label(HINT, tone="muted", wrap=True)
        self._space = Segmented(
            "Space of the sum",
            (
                ("w", "In w", "Sums of w: what StyleGAN's mapping network makes even"),
                ("z", "In z", "Sums of z, as DCGAN's: only for pictures from seeds"),
            ),
        )
        self._space.set_key("w")
        self._amount = SliderRow("A − B", 0, 2, 1.0, beyond=(-5, 5), step=0.02, label_px=64)
        self._take = push("Show A − B + C", "Put the sum on the canvas", "primary")
        self._keep = push("Keep A − B", "Keep the difference as a direction of its own", "tight")
        clear = push("Clear", "Take every picture out", "tight")
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self._take, 1)
        line.addWidget(self._keep)
        line.addWidget(clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        column.addWidget(self._hint)
        column.addWidget(self.pad)
        column.addWidget(self._space)
        column.addWidget(self._amount)
        column.addLayout(line)
        self.pad.add_wanted.connect(self.add_wanted)
        self.pad.show_wanted.connect(self.show_wanted)
        self.pad.remove_wanted.connect(self.remove_wanted)
        self.pad.swap_wanted.connect(self.swap_wanted)
        self.pad.dropped.connect(self.dropped)
        self._space.chosen.connect(self.space_chosen)
        self._amount.value_changed.connect(self.amount_changed)
        self._amount.gesture_ended.connect(self.amount_ended)
        self._take.clicked.connect(self.result_wanted)
        self._keep.clicked.connect(self.direction_wanted)
        clear.clicked.connect(self.clear_wanted)

    def set_kit(self, kit: Kit) -> None:
        """Offer the spaces that the model has."""
        self._space.setVisible(kit.info.num_ws > 1)

    def show_sum(self, view: SumView) -> None:
        """Show the rows and what can be done with them."""
        rows = [SumRow(s, n, images) for (s, n), images in zip(ROWS, view.images, strict=True)]
        self.pad.set_rows(rows)
        self._space.set_key(view.space)
        self._amount.set_value(view.amount)
        self._take.setEnabled(view.can_show)
        self._keep.setEnabled(view.can_keep)
