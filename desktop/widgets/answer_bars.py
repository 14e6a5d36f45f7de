"""Bars of shares before and after, one pair a row, with words at the left."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

ROW_PX = 34
WORDS_PX = 118
BAR_PX = 8
NUMBER_PX = 40

Row = tuple[str, float | None, float | None]  # words, before, after; None where it is not told


class AnswerBars(QWidget):
    """The upper bar of a row is before, in grey; the lower one after, in the accent colour."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these; shares in [0, 1]."""
        self._rows = tuple(rows)
        told = [
            f"{words}: {_said(before)} before, {_said(after)} after"
            for words, before, after in rows
        ]
        self.setAccessibleDescription("; ".join(told))
        self.setToolTip("\n".join(told))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """One line for each row."""
        return QSize(300, max(1, len(self._rows)) * ROW_PX)

    def minimumSizeHint(self) -> QSize:
        """See sizeHint."""
        return QSize(200, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words, bars, numbers."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        accent = palette.color(QPalette.ColorRole.Highlight)
        ground = palette.color(QPalette.ColorRole.Base)
        metrics = painter.fontMetrics()
        left = WORDS_PX + 8
        room = self.width() - left - NUMBER_PX - 8
        for index, (words, before, after) in enumerate(self._rows):
            top = index * ROW_PX
            painter.setPen(palette.color(QPalette.ColorRole.WindowText))
            shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, WORDS_PX)
            place = QRectF(0, top, WORDS_PX, ROW_PX - 4)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)
            for row, (share, colour) in enumerate(((before, muted), (after, accent))):
                y = top + 3 + row * (ROW_PX / 2 - 2)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(ground)
                painter.drawRoundedRect(QRectF(left, y + 2, room, BAR_PX), 3, 3)
                if share is not None:
                    painter.setBrush(colour)
                    wide = max(2.0, room * min(1.0, share)) if share > 0 else 0.0
                    painter.drawRoundedRect(QRectF(left, y + 2, wide, BAR_PX), 3, 3)
                painter.setPen(muted)
                number = QRectF(left + room + 4, y - 2, NUMBER_PX, 16)
                painter.drawText(number, Qt.AlignmentFlag.AlignVCenter, _said(share))


def _said(share: float | None) -> str:
    if share is None:
        return "–"
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"
