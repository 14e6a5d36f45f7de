"""A verification as one page of PDF: the verdict, the picture, the evidence."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPageLayout, QPageSize, QPainter, QPdfWriter

from desktop.messages import plain
from desktop.widgets.text import breakable
from engine.frame import Verdict

DPI, MARGIN_MM = 150, 18
HEAD_PT, BODY_PT, SMALL_PT, LEAST_PT = 17.0, 10.0, 8.5, 6.5
PICTURE_SHARE = 0.3  # of the width of the page
_MARKS = {True: "✓", False: "✗", None: "·"}
_TONES = {True: "#1d6b3a", False: "#a3261f", None: "#444444"}
Line = tuple[str, str, str]  # mark, words, colour
FOOT = (
    "Latent Atelier checked the bytes of the file on this machine. It cannot tell whether what a "
    "signer says is so; that a file has no credentials tells nothing about how it was made."
)


def save_pdf(path: Path, verdict: Verdict, facts: list[tuple[str, str]], image: QImage) -> None:
    """Write the page; small type where there is much to tell. Raises OSError."""
    made = QBuffer()
    made.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(made)
    writer.setResolution(DPI)
    writer.setPageLayout(
        QPageLayout(
            QPageSize(QPageSize.PageSizeId.A4),
            QPageLayout.Orientation.Portrait,
            QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM),
            QPageLayout.Unit.Millimeter,
        )
    )
    writer.setTitle(f"Verification of {plain(verdict.path.name, 120)}")
    writer.setCreator("Latent Atelier")
    painter = QPainter(writer)
    try:
        size = QSizeF(writer.width(), writer.height())
        lines = _lines(verdict, facts)
        points = BODY_PT
        while points > LEAST_PT and _Page(painter, size, points).tell(lines, draw=False) > 0:
            points -= 0.5
        page = _Page(painter, size, points)
        page.head(verdict, image)
        page.tell(lines, draw=True)
        page.foot()
    finally:
        painter.end()
    path.write_bytes(made.data().data())


def _lines(verdict: Verdict, facts: list[tuple[str, str]]) -> list[Line]:
    lines = [(_MARKS[item.ok], plain(item.text), _TONES[item.ok]) for item in verdict.findings]
    lines += [(_MARKS[None], plain(note), _TONES[None]) for note in verdict.notes]
    return lines + [("", f"{plain(name, 60)}: {plain(words)}", "#111111") for name, words in facts]


class _Page:
    """Lays out from the top down; what does not fit is told to be missing, never cut silently."""

    def __init__(self, painter: QPainter, size: QSizeF, points: float) -> None:
        self._painter, self._size, self._points = painter, size, points
        self._side = size.width() * PICTURE_SHARE
        self._top = self._side + _px(8)
        self._foot = size.height() - _px(14)

    def head(self, verdict: Verdict, image: QImage) -> None:
        left = self._side + _px(6)
        wide = self._size.width() - left
        if not image.isNull():
            scaled = image.scaled(
                int(self._side),
                int(self._side),
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            self._painter.drawImage(QPointF(0, 0), scaled)
        top = self._text(plain(verdict.headline, 300), left, 0, wide, HEAD_PT, "#111111", bold=True)
        name = plain(str(verdict.path), 300)
        top = self._text(name, left, top + _px(3), wide, SMALL_PT, "#444444")
        self._text(f"Verdict: {verdict.verdict}", left, top + _px(2), wide, SMALL_PT, "#444444")

    def tell(self, lines: list[Line], *, draw: bool) -> int:
        """How many lines did not fit."""
        top, gap, set_in = self._top, _px(self._points * 0.18), _px(self._points * 0.55)
        for place, (mark, words, colour) in enumerate(lines):
            wide = self._size.width() - set_in
            height = self._height(words, wide)
            if top + height > self._foot:
                if draw:
                    left = len(lines) - place
                    self._text(f"and {left} more lines", 0, top, wide, LEAST_PT, "#444444")
                return len(lines) - place
            if draw:
                self._text(mark, 0, top, set_in, self._points, colour, bold=True)
                self._text(words, set_in, top, wide, self._points, "#111111")
            top += height + gap
        return 0

    def foot(self) -> None:
        where = self._foot + _px(4)
        self._text(FOOT, 0, where, self._size.width(), SMALL_PT - 1, "#666666")

    def _height(self, words: str, wide: float) -> float:
        self._painter.setFont(_font(self._points))
        return self._bounds(words, QRectF(0, 0, wide, 1e6)).height()

    def _text(
        self,
        words: str,
        left: float,
        top: float,
        wide: float,
        points: float,
        colour: str,
        *,
        bold: bool = False,
    ) -> float:
        """Draw wrapped words; where they end."""
        self._painter.setFont(_font(points, bold))
        self._painter.setPen(QColor(colour))
        place = QRectF(left, top, wide, 1e6)
        bounds = self._bounds(words, place)
        self._painter.drawText(
            QRectF(left, top, wide, bounds.height() + 2), _FLAGS, breakable(words)
        )
        return top + bounds.height()

    def _bounds(self, words: str, place: QRectF) -> QRectF:
        return self._painter.boundingRect(place, _FLAGS, breakable(words))


_FLAGS = (
    Qt.AlignmentFlag.AlignLeft.value
    | Qt.AlignmentFlag.AlignTop.value
    | Qt.TextFlag.TextWordWrap.value
)


def _font(points: float, bold: bool = False) -> QFont:
    font = QFont()
    font.setPointSizeF(points)
    font.setBold(bold)
    return font


def _px(millimetres: float) -> float:
    return millimetres / 25.4 * DPI
