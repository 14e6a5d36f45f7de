"""A text, or a blend of several with a slider for the share of each."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop import text_shares
from desktop.widgets.button import IconButton
from desktop.widgets.line_row import LineRow
from desktop.widgets.slider_row import SliderRow
from engine.denoising import Texts, TextWeight


class TextsBox(QWidget):
    """States the texts that are wanted. Shares of a blend add up to one."""

    changed = Signal(object)  # Texts; live
    gesture_ended = Signal()

    def __init__(self, name: str, tip: str, example: str) -> None:
        super().__init__()
        self._name, self._tip, self._example = name, tip, example
        self._texts = Texts()
        self._rows: list[_Row] = []
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._add = IconButton(
            "plus", f"Blend with another text: {name}", "Blend with another text",
            size_px=14, text="Blend with another", role="field",
        )  # fmt: skip
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 2, 20, 4)
        foot.addStretch(1)
        foot.addWidget(self._add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._list)
        column.addLayout(foot)
        self._add.clicked.connect(self._more)
        self.show_texts(self._texts)

    def show_texts(self, texts: Texts) -> None:
        """Show them; emits nothing."""
        self._texts = texts
        weights = texts.weights or (TextWeight(""),)
        while len(self._rows) > len(weights):
            row = self._rows.pop()
            self._list.removeWidget(row)
            row.hide()  # it lives on until the event loop turns
            row.deleteLater()
        while len(self._rows) < len(weights):
            row = _Row(self._name, len(self._rows), self._tip, self._example)
            row.written.connect(self._write)
            row.weighed.connect(self._weigh)
            row.removed.connect(self._remove)
            row.gesture_ended.connect(self.gesture_ended)
            self._list.addWidget(row)
            self._rows.append(row)
        for row, item in zip(self._rows, weights, strict=True):
            row.show_text(item, len(weights))
        self._add.setEnabled(len(weights) < text_shares.MOST)

    @Slot(int, str)
    def _write(self, index: int, text: str) -> None:
        self._whole(text_shares.written(self._texts, index, text))

    @Slot(int, float)
    def _weigh(self, index: int, share: float) -> None:
        self.changed.emit(text_shares.weighed(self._texts, index, share))

    @Slot(int)
    def _remove(self, index: int) -> None:
        self._whole(text_shares.removed(self._texts, index))

    @Slot()
    def _more(self) -> None:
        self._whole(text_shares.added(self._texts))
        if self._rows:
            self._rows[-1].focus()

    def _whole(self, texts: Texts) -> None:
        self.changed.emit(texts)
        self.gesture_ended.emit()


class _Row(QWidget):
    """One text; in a blend, its share and a button that takes it out."""

    written = Signal(int, str)
    weighed = Signal(int, float)
    removed = Signal(int)
    gesture_ended = Signal()

    def __init__(self, name: str, index: int, tip: str, example: str) -> None:
        super().__init__()
        self._index = index
        told = name if index == 0 else f"{name} {index + 1}"
        self._line = LineRow(told, tip, example)
        self._share = SliderRow("Share", 0, 1, 1.0, beyond=(text_shares.LOW, text_shares.HIGH))
        self._share.setToolTip("The share of this text; the others give or take as they have")
        self._share.slider.setAccessibleName(f"Share of {told.lower()}")
        self._gone = IconButton("close", f"Take {told.lower()} out of the blend", size_px=12)
        self._weight = QWidget()
        weight = QHBoxLayout(self._weight)
        weight.setContentsMargins(0, 0, 0, 4)
        weight.setSpacing(0)
        weight.addWidget(self._share, 1)
        weight.addWidget(self._gone)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._line)
        column.addWidget(self._weight)
        self._line.written.connect(self._write)
        self._share.value_changed.connect(self._weigh)
        self._share.gesture_ended.connect(self.gesture_ended)
        self._gone.clicked.connect(self._remove)

    def show_text(self, item: TextWeight, count: int) -> None:
        """The text, and its share of a blend of so many; by default they share evenly."""
        self._line.set_text(item.text)
        self._weight.setVisible(count > 1)
        self._share.set_default(round(1 / count, 3))
        self._share.set_value(item.weight)

    def focus(self) -> None:
        """Ready to write."""
        self._line.focus()

    def _write(self, text: str) -> None:
        self.written.emit(self._index, text)

    def _weigh(self, share: float) -> None:
        self.weighed.emit(self._index, share)

    def _remove(self) -> None:
        self.removed.emit(self._index)
