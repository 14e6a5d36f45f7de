"""A button that stands for a place for a picture: one is dropped on it, or taken along from it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QMouseEvent

from desktop.widgets.button import PushButton
from desktop.widgets.recipe_drag import DRAG_PX, DataOf, carries, take_along, text_of


class PlaceButton(PushButton):
    """A click puts something there; key: which place it is."""

    dropped = Signal(int, str)

    def __init__(self, text: str, tip: str, key: int) -> None:
        super().__init__(text)
        self.key = key
        self.image: QImage | None = None
        self.data_of: DataOf | None = None
        self._press: QPointF | None = None
        self.setToolTip(tip)
        self.setAccessibleName(text)
        self.setAutoDefault(False)
        self.setProperty("role", "tight")
        self.setAcceptDrops(True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click or a drag begins."""
        self._press = event.position()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Beyond a few pixels the picture goes along."""
        held = bool(event.buttons() & Qt.MouseButton.LeftButton)
        far = (
            self._press is not None and (event.position() - self._press).manhattanLength() > DRAG_PX
        )
        if held and far and self.data_of is not None:
            self._press = None
            if take_along(self, self.data_of(self.key), self.image):
                self.setDown(False)
                return
        super().mouseMoveEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a picture of this program."""
        if carries(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """It goes to this place."""
        self.dropped.emit(self.key, text_of(event))
        event.acceptProposedAction()
