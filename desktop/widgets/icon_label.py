"""An icon that only says something."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.theme import current
from desktop.widgets.icons import pixmap


class IconLabel(QWidget):
    """Draws an icon in a colour of the theme, such as "good", "bad" or "muted"."""

    def __init__(self, name: str, tone: str, size_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._tone = tone
        self.setFixedSize(size_px, size_px)

    def show_icon(self, name: str, tone: str) -> None:
        """Draw another icon."""
        self._name, self._tone = name, tone
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The icon in the colour that the theme gives the tone now."""
        colour: str = getattr(current(), self._tone)
        painter = QPainter(self)
        image = pixmap(self._name, colour, self.width(), self.devicePixelRatioF())
        painter.drawPixmap(QPoint(0, 0), image)
