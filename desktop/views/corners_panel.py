"""Between four pictures: what is in the corners, and a pad to walk on."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import CornersView
from desktop.widgets.button import push
from desktop.widgets.pad import Pad
from desktop.widgets.segmented import Segmented
from desktop.widgets.text import label

HINT = "Put the picture on the canvas into each corner, then walk between the four."
NAMES = ("Top left", "Top right", "Bottom left", "Bottom right")


class CornersPanel(QWidget):
    """States which corner is set and where the point was moved."""

    corner_wanted = Signal(int)
    space_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._hint = label(HINT, tone="muted", wrap=True)
        self.pad = Pad("Pad between four pictures")
        self._space = Segmented(
            "Space of the walk",
            (
                ("z", "In z", "Along great circles, where all four come from z"),
                ("w", "In w", "Straight lines between w"),
                ("s", "In styles", "Straight lines between the layers' styles"),
            ),
        )
        self._space.set_key("z")
        upper, lower = QHBoxLayout(), QHBoxLayout()
        for index, name in enumerate(NAMES):
            words = f"The picture on the canvas goes to the {name.lower()}"
            button = push(name, words, "tight")
            button.setProperty("key", index)
            button.clicked.connect(self._set)
            (upper if index < 2 else lower).addWidget(button, 1)
        for line in (upper, lower):
            line.setSpacing(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        column.addWidget(self._hint)
        column.addLayout(upper)
        column.addWidget(self.pad)
        column.addLayout(lower)
        column.addWidget(self._space)
        self._space.chosen.connect(self.space_chosen)

    def show_corners(self, view: CornersView) -> None:
        """Show the corners, the carpet and the point."""
        whole = all(view.filled)
        self._hint.setVisible(not whole)
        self.pad.setEnabled(whole)
        tiles = dict(view.tiles)
        for place, image in zip(((0, 0), (5, 0), (0, 3), (5, 3)), view.images, strict=True):
            if image is not None:
                tiles[place] = image
        self.pad.set_tiles(tiles)
        if view.point is None:
            self.pad.clear_point()
        else:
            self.pad.set_point(*view.point)
        self._space.set_key(view.space)

    def _set(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.corner_wanted.emit(int(sender.property("key")))
