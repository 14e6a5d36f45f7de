"""Small pictures in rows, each with two lines below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.theme import current

GAP_PX = 8
LINE_PX = 17
Tone = Literal["", "good", "bad"]


@dataclass(frozen=True, eq=False)
class Captioned:
    """A picture, what it is, and what is told of it. tone: of the frame and the second line."""

    image: QImage | None
    title: str
    words: str = ""
    tone: Tone = ""


class CaptionedStrip(QWidget):
    """Shows the cells in rows of so many."""

    def __init__(self, name: str, across: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._across = across
        self._cells: tuple[Captioned, ...] = ()
        self.setAccessibleName(name)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_cells(self, cells: Sequence[Captioned]) -> None:
        """Show these."""
        self._cells = tuple(cells)
        told = [f"{cell.title}: {cell.words}".rstrip(": ") for cell in cells]
        self.setToolTip("\n".join(told))
        self.setAccessibleDescription("; ".join(told))
        self.updateGeometry()
        self.update()

    def heightForWidth(self, width: int) -> int:
        """Square pictures, and lines below each."""
        rows = -(-len(self._cells) // self._across)
        return round(rows * self._row(width) - GAP_PX) if rows else 0

    def sizeHint(self) -> QSize:
        """As wide as the column."""
        return QSize(312, self.heightForWidth(312))

    def _row(self, width: int) -> float:
        """A picture with its lines; the second only where one has words for it."""
        lines = 2 if any(cell.words for cell in self._cells) else 1
        return self._side(width) + lines * LINE_PX + GAP_PX

    def _side(self, width: int) -> float:
        return (width - GAP_PX * (self._across - 1)) / self._across

    def paintEvent(self, event: QPaintEvent) -> None:
        """Pictures, frames and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        palette, metrics = self.palette(), painter.fontMetrics()
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        words = palette.color(QPalette.ColorRole.WindowText)
        ground = palette.color(QPalette.ColorRole.Base)
        theme = current()
        tones = {"good": QColor(theme.good), "bad": QColor(theme.bad)}
        side = self._side(self.width())
        for index, cell in enumerate(self._cells):
            row, column = divmod(index, self._across)
            x = column * (side + GAP_PX)
            y = row * self._row(self.width())
            place = QRectF(x, y, side, side)
            painter.fillRect(place, ground)
            if cell.image is not None:
                painter.drawImage(_fitted(cell.image, place), cell.image)
            colour = tones.get(cell.tone)
            if colour is not None:
                painter.setPen(QPen(colour, 2))
                painter.drawRect(place.adjusted(1, 1, -1, -1))
            for line, (text, pen) in enumerate(
                ((cell.title, words), (cell.words, colour or muted))
            ):
                painter.setPen(pen)
                spot = QRectF(x, y + side + line * LINE_PX, side, LINE_PX)
                shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(side))
                painter.drawText(spot, Qt.AlignmentFlag.AlignCenter, shown)


def _fitted(image: QImage, place: QRectF) -> QRectF:
    """The picture whole, in the middle of its place."""
    scale = min(place.width() / image.width(), place.height() / image.height())
    wide, high = image.width() * scale, image.height() * scale
    return QRectF(place.center().x() - wide / 2, place.center().y() - high / 2, wide, high)
