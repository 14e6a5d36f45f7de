"""Classes of a conditional model: one, or several blended."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.classes import LIMITS, MOST
from desktop.kit import Kit
from desktop.messages import plain
from desktop.state import ExploreState
from desktop.widgets.button import IconButton
from desktop.widgets.pick_list import PickButton
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.recipe import ClassWeight


class ClassPanel(QWidget):
    """A class, or a row for each class of a blend. Places count from 0 down the rows."""

    class_chosen = Signal(int, int)  # place, class
    class_added = Signal(int)  # class
    class_removed = Signal(int)  # place
    share_changed = Signal(int, float)  # place, share
    gesture_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[_Row] = []
        self._names: tuple[str, ...] = ()
        self._none = label("No class: the model decides nothing by it.", tone="muted", wrap=True)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        self.add = PickButton("plus", "Blend in another class", "Choose a class to blend in")
        self.add.set_words("Blend in another class")
        self.add.picked.connect(self.class_added)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(8)
        column.addWidget(self._none)
        column.addLayout(self._rows)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 8, 0)
        line.addWidget(self.add)
        column.addLayout(line)

    def set_kit(self, kit: Kit) -> None:
        """The classes of another model."""
        self._names = tuple(plain(name, 60) for name in kit.anatomy.classes)
        self.add.set_names(self._names)
        for row in self.rows:
            row.set_names(self._names)

    def show_state(self, state: ExploreState) -> None:
        """Show every class with its share."""
        while len(self.rows) > len(state.classes):
            self.rows.pop().deleteLater()
        while len(self.rows) < len(state.classes):
            self._add_row()
        for row, item in zip(self.rows, state.classes, strict=True):
            row.show_class(item, alone=len(self.rows) == 1)
        self._none.setVisible(not self.rows)
        self.add.setEnabled(len(self.rows) < min(MOST, len(self._names)))

    def _add_row(self) -> None:
        row = _Row(len(self.rows))
        row.set_names(self._names)
        row.chosen.connect(self.class_chosen)
        row.removed.connect(self.class_removed)
        row.share_changed.connect(self.share_changed)
        row.gesture_ended.connect(self.gesture_ended)
        self.rows.append(row)
        self._rows.addWidget(row)


class _Row(QWidget):
    """One class: which it is, and in a blend its share."""

    chosen = Signal(int, int)
    removed = Signal(int)
    share_changed = Signal(int, float)
    gesture_ended = Signal()

    def __init__(self, place: int) -> None:
        super().__init__()
        self._place = place
        name = f"Class {place + 1} of the blend"
        self.pick = PickButton("model", name, "Choose a class")
        self.share = SliderRow("Share", 0, 1, 0.5, beyond=LIMITS, label_px=48)
        self.share.slider.setAccessibleName(f"Share of class {place + 1}")
        self.share.number.setAccessibleName(f"Share of class {place + 1}, value")
        self.remove = IconButton("close", f"Take class {place + 1} out", size_px=14)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 8, 0)
        head.setSpacing(4)
        head.addWidget(self.pick, 1)
        head.addWidget(self.remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.share)
        self.pick.picked.connect(self._choose)
        self.remove.clicked.connect(self._remove)
        self.share.value_changed.connect(self._move)
        self.share.gesture_ended.connect(self.gesture_ended)

    def set_names(self, names: tuple[str, ...]) -> None:
        """What there is to choose from."""
        self.pick.set_names(names)

    def show_class(self, item: ClassWeight, alone: bool) -> None:
        """Show a class; one that is alone has no share to speak of."""
        self.pick.set_index(item.index)
        self.share.set_value(item.weight)
        whole = alone and item.weight == 1
        self.share.setVisible(not whole)
        self.remove.setVisible(not alone)

    def _choose(self, index: int) -> None:
        self.chosen.emit(self._place, index)

    def _remove(self) -> None:
        self.removed.emit(self._place)

    def _move(self, share: float) -> None:
        self.share_changed.emit(self._place, share)
