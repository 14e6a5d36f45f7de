"""What the canvas draws over its ground and its picture."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen

from desktop.display import DIFFERENCE_GAIN, Shown
from desktop.theme import current
from desktop.views.viewport import Viewport
from desktop.widgets.icons import pixmap

HANDLE_PX = 14
HINT_PX = (440, 200)
HINT_ICON_PX = 40


def paint_wipe(painter: QPainter, pinned: Shown, place: QRectF, part: float, smooth: bool) -> None:
    """The pinned picture up to that part of the width; the line between, and its handle."""
    line = round(place.left() + part * place.width())
    painter.save()
    painter.setClipRect(place.adjusted(0, 0, line - place.right(), 0))
    paint_picture(painter, pinned, place, smooth)
    painter.restore()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    top, bottom = QPointF(line, place.top()), QPointF(line, place.bottom())
    for colour, width in ((QColor(0, 0, 0, 120), 4), (QColor("white"), 2)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(top, bottom)
    middle = QPointF(line, place.center().y())
    painter.setBrush(QColor("white"))
    painter.setPen(QPen(QColor(0, 0, 0, 120), 1))
    painter.drawEllipse(middle, HANDLE_PX, HANDLE_PX)
    painter.setPen(QPen(QColor("#333333"), 2))
    for side in (-1, 1):
        tip = middle + QPointF(side * 8, 0)
        painter.drawLine(tip, tip + QPointF(-side * 4, -4))
        painter.drawLine(tip, tip + QPointF(-side * 4, 4))
    paint_tag(painter, "pinned", place.left() + 8, place.top() + 8)


def paint_beside(painter: QPainter, how: str, place: QRectF) -> None:
    """What a picture is that stands beside the pinned one, or tells them apart."""
    words = {"side": "now", "difference": f"difference, {DIFFERENCE_GAIN} times as bright"}
    if how in words:
        paint_tag(painter, words[how], place.left() + 8, place.top() + 8)


def paint_focus(painter: QPainter, ground: QRect, palette: QPalette) -> None:
    """A ring for those who came by keyboard."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2))
    painter.drawRect(ground.adjusted(1, 1, -1, -1))


def paint_hint(painter: QPainter, ground: QRect, words: str, ratio: float) -> None:
    """What an empty canvas says to do, in a dashed frame."""
    colours = current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    wide, high = min(HINT_PX[0], ground.width() - 48), min(HINT_PX[1], ground.height() - 48)
    zone = QRectF((ground.width() - wide) / 2, (ground.height() - high) / 2, wide, high)
    painter.setPen(QPen(QColor(colours.edge), 1.5, Qt.PenStyle.DashLine))
    painter.drawRoundedRect(zone, 12, 12)
    image = pixmap("picture", colours.muted, HINT_ICON_PX, ratio)
    middle = zone.center()
    painter.drawPixmap(QPointF(middle.x() - HINT_ICON_PX / 2, middle.y() - HINT_ICON_PX - 8), image)
    painter.setPen(QColor(colours.muted))
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(zone.adjusted(24, high / 2 + 12, -24, -8), flags, words)


def paint_tag(painter: QPainter, words: str, x: float, y: float) -> None:
    """A word on a dark ground."""
    metrics = painter.fontMetrics()
    place = QRectF(x, y, metrics.horizontalAdvance(words) + 16, metrics.height() + 6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 150))
    painter.drawRoundedRect(place, 6, 6)
    painter.setPen(QColor("white"))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)


def paint_picture(painter: QPainter, picture: Shown, place: QRectF, smooth: bool) -> None:
    """A picture in its place, enlarged smoothly or by its bare pixels."""
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    enlarged = place.width() > picture.width
    painter.drawImage(place, picture.smooth if smooth and enlarged else picture.exact)


def paint_sides(
    painter: QPainter,
    viewport: Viewport,
    canvas: tuple[int, int],
    pinned: Shown,
    size: tuple[int, int],
    smooth: bool,
) -> QRectF:
    """The pinned picture in the left half; where the other, of that size, goes in the right one."""
    half, height = canvas[0] // 2, canvas[1]
    left = QRectF(*viewport.place((half, height), (pinned.width, pinned.height)))
    painter.save()
    painter.setClipRect(0, 0, half, height)
    paint_picture(painter, pinned, left, smooth)
    painter.restore()
    paint_tag(painter, "pinned", left.left() + 8, left.top() + 8)
    painter.setClipRect(half, 0, canvas[0] - half, height)
    return QRectF(*viewport.place((half, height), size)).translated(half, 0)
