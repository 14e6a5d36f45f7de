"""A strip of pictures in time that can be scrubbed, from the first to the last."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

HEIGHT_PX = 56
GAP_PX = 2


class PreviewStrip(QWidget):
    """Cells for `count` pictures, filled as they come. Drag or arrows scrub; End goes to the last.

    The strip may be narrower than its pictures: then it shows every other one, or fewer.
    """

    scrubbed = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._images: Sequence[QImage | None] = ()
        self._at = -1
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: drag along it to see every step; arrows step, End goes to the end"
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """One line of small pictures."""
        return QSize(400, HEIGHT_PX)

    def set_images(self, images: Sequence[QImage | None]) -> None:
        """Show these, None where one has not come yet. The mark goes to the last that is there."""
        self._images, self._count = images, len(images)
        self._at = max((i for i, image in enumerate(images) if image is not None), default=-1)
        self.update()

    @property
    def at(self) -> int:
        """Which picture is marked, -1 for none."""
        return self._at

    def _shown(self) -> list[int]:
        """The pictures that have room, always with the last."""
        room = max(1, int((self.width() + GAP_PX) / (HEIGHT_PX + GAP_PX)))
        if self._count <= room:
            return list(range(self._count))
        return [round(i * (self._count - 1) / max(1, room - 1)) for i in range(room)]

    def _place(self, cell: int, cells: int) -> QRectF:
        pitch = min(HEIGHT_PX + GAP_PX, (self.width() + GAP_PX) / max(1, cells))
        return QRectF(cell * pitch, 0, pitch - GAP_PX, HEIGHT_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The pictures, and a frame around the one in use."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        ground = self.palette().color(QPalette.ColorRole.Base)
        shown = self._shown()
        marked = min(shown, key=lambda i: abs(i - self._at), default=-1)
        for cell, index in enumerate(shown):
            place = self._place(cell, len(shown))
            image = self._images[index]
            if image is None:
                painter.fillRect(place, ground)
            else:
                painter.drawImage(place, image)
            if index == marked and self._at >= 0:
                painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 3))
                painter.drawRect(place.adjusted(1.5, 1.5, -1.5, -1.5))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Scrub."""
        self._scrub(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub on."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._scrub(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows step, Home and End go to the ends."""
        places = {
            Qt.Key.Key_Left: self._at - 1,
            Qt.Key.Key_Right: self._at + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: self._count - 1,
        }
        place = places.get(Qt.Key(event.key()))
        if place is None:
            super().keyPressEvent(event)
        else:
            self._go(place)

    def _scrub(self, x: float) -> None:
        shown = self._shown()
        if shown:
            span = self._place(len(shown) - 1, len(shown)).right()
            self._go(round(x / max(1.0, span) * (self._count - 1)))

    def _go(self, place: int) -> None:
        place = min(max(place, 0), self._count - 1)
        if place >= 0 and place != self._at and self._images[place] is not None:
            self._at = place
            self.update()
            self.scrubbed.emit(place)
