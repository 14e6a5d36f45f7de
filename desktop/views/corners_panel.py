"""Between four pictures: what is in the corners, and a pad to walk on."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import CornersView
from desktop.widgets.pad import Pad
from desktop.widgets.place_button import PlaceButton
from desktop.widgets.recipe_drag import DataOf
from desktop.widgets.segmented import Segmented
from desktop.widgets.text import label

HINT = (
    "Put the picture on the canvas into each corner, or drop pictures of the history on the pad; "
    "then walk between the four."
)
NAMES = ("Top left", "Top right", "Bottom left", "Bottom right")


class CornersPanel(QWidget):
    """States which corner is set and where the point was moved."""

    corner_wanted = Signal(int)
    space_chosen = Signal(str)
    dropped = Signal(int, str)  # a picture, for a corner

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
        self._buttons: list[PlaceButton] = []
        for index, name in enumerate(NAMES):
            words = f"The picture on the canvas goes to the {name.lower()}"
            button = PlaceButton(name, f"{words}; or drop one here, or drag it away", index)
            button.clicked.connect(self._set)
            button.dropped.connect(self.dropped)
            self._buttons.append(button)
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
        self.pad.set_takes_drops(True)
        self.pad.dropped.connect(self.dropped)

    def set_drag(self, data_of: DataOf) -> None:
        """Let corners be taken to other panels. data_of: what goes along, by corner."""
        for button in self._buttons:
            button.data_of = data_of

    def show_corners(self, view: CornersView) -> None:
        """Show the corners, the carpet and the point."""
        whole = all(view.filled)
        self._hint.setVisible(not whole)
        self.pad.set_walks(whole)
        tiles = dict(view.tiles)
        for place, image in zip(((0, 0), (5, 0), (0, 3), (5, 3)), view.images, strict=True):
            if image is not None:
                tiles[place] = image
        self.pad.set_tiles(tiles)
        for button, image in zip(self._buttons, view.images, strict=True):
            button.image = image
        if view.point is None:
            self.pad.clear_point()
        else:
            self.pad.set_point(*view.point)
        self._space.set_key(view.space)

    def _set(self) -> None:
        sender = self.sender()
        if isinstance(sender, PlaceButton):
            self.corner_wanted.emit(sender.key)
