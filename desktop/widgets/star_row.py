"""One to five stars in a row."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.widgets.icons import pixmap

MOST = 5
SIDE_PX = 20


class StarRow(QWidget):
    """A click gives as many stars, on the last one it takes them all away; keys 0 to 5 and the
    arrows do the same."""

    rated = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stars = 0
        self._over = 0
        self._name = name
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setFixedSize(QSize(MOST * SIDE_PX, 26))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(f"{name}: click a star, or press 0 to 5")
        self.set_stars(0)

    def set_stars(self, stars: int) -> None:
        """Show so many; emits nothing."""
        self._stars = stars
        self.setAccessibleName(f"{self._name}: {stars or 'no'} stars")
        self.update()

    def _rate(self, stars: int) -> None:
        stars = min(max(stars, 0), MOST)
        if stars != self._stars:
            self.set_stars(stars)
            self.rated.emit(stars)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """As many as lie left of the pointer."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            stars = int(event.position().x()) // SIDE_PX + 1
            self._rate(0 if stars == self._stars else stars)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show how many a click would give."""
        self._over = int(event.position().x()) // SIDE_PX + 1
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        self._over = 0
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """0 to 5, or one more or less."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if event.text() and event.text() in "012345":
            self._rate(int(event.text()))
        elif step:
            self._rate(self._stars + step)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Full ones and empty ones; a ring where focused."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        palette = self.palette()
        full = palette.color(QPalette.ColorRole.Highlight).name()
        empty = palette.color(QPalette.ColorRole.PlaceholderText).name()
        shown = self._over or self._stars
        for i in range(MOST):
            name, colour = ("star-full", full) if i < shown else ("star", empty)
            place = QRectF(i * SIDE_PX + 2, (self.height() - 16) / 2, 16, 16)
            if not self.isEnabled():
                painter.setOpacity(0.4)
            painter.drawPixmap(place.toRect(), pixmap(name, colour, 32))
        if self.hasFocus():
            painter.setOpacity(1.0)
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
