"""Lays pictures out as a contact sheet: sections of labelled rows on a quiet ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from engine.image.pixels import resize

Pixels = UInt8[np.ndarray, "height width 3"]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int]

GROUND: Colour = (22, 24, 29)
PANEL: Colour = (31, 34, 41)
INK: Colour = (236, 238, 242)
QUIET: Colour = (150, 156, 168)
ACCENT: Colour = (120, 170, 255)
TILE, GAP, LABEL, MARGIN, PADDING, ROUND = 104, 8, 132, 32, 20, 8
HEAD, TITLE, COLUMN = 92, 40, 22


@dataclass(frozen=True)
class Row:
    """A line of pictures. None leaves a place free."""

    label: str
    tiles: Sequence[Pixels | None]


@dataclass(frozen=True)
class Section:
    """Rows of one kind. columns: what stands above the tiles, "" for nothing.

    sources: how many tiles of each row, and how many first rows, are set off as sources.
    """

    title: str
    note: str
    rows: Sequence[Row]
    columns: Sequence[str] = ()
    sources: int = 0

    @property
    def height(self) -> int:
        """In pixels, padding included."""
        columns = COLUMN if self.columns else 0
        gap = PADDING // 2 if self.sources else 0
        return 2 * PADDING + TITLE + columns + gap + len(self.rows) * (TILE + GAP) - GAP


def contact_sheet(title: str, subtitle: str, sections: Sequence[Section]) -> Pixels:
    """Draw the sheet; as wide as its longest row."""
    most = max(len(row.tiles) for section in sections for row in section.rows)
    width = 2 * (MARGIN + PADDING) + LABEL + most * (TILE + GAP) + PADDING // 2
    height = HEAD + MARGIN + sum(section.height + MARGIN // 2 for section in sections)
    sheet = Image.new("RGB", (width, height), GROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, 26), title, INK, _font(28))
    draw.text((MARGIN, 62), subtitle, QUIET, _font(13))
    top = HEAD
    for section in sections:
        _draw_section(sheet, draw, section, top)
        top += section.height + MARGIN // 2
    return np.asarray(sheet, dtype=np.uint8)


def _draw_section(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, section: Section, top: int
) -> None:
    right = sheet.width - MARGIN
    draw.rounded_rectangle((MARGIN, top, right, top + section.height), 14, PANEL)
    left = MARGIN + PADDING
    y = top + PADDING
    title = _font(17)
    draw.text((left, y), section.title, INK, title)
    draw.text((left + draw.textlength(section.title, title) + 14, y + 4), section.note, QUIET,
              _font(12))  # fmt: skip
    y += TITLE
    for index, text in enumerate(section.columns):
        x = _left_of(section, index) + TILE // 2
        draw.text((x, y), text, QUIET, _font(12), anchor="ma")
    y += COLUMN if section.columns else 0
    for number, row in enumerate(section.rows):
        if section.sources and number == section.sources:
            y += PADDING // 2
        _draw_label(draw, row.label, left, y + TILE // 2)
        for index, tile in enumerate(row.tiles):
            if tile is not None:
                source = index < section.sources or number < section.sources
                _draw_tile(sheet, tile, _left_of(section, index), y, source)
        y += TILE + GAP


def _left_of(section: Section, index: int) -> int:
    aside = PADDING // 2 if section.sources and index >= section.sources else 0
    return MARGIN + PADDING + LABEL + aside + index * (TILE + GAP)


def _draw_label(draw: ImageDraw.ImageDraw, text: str, left: int, middle: int) -> None:
    font = _font(14)
    while text and draw.textlength(text, font) > LABEL - 16:
        text = text[:-2].rstrip() + "…" if not text.endswith("…") else text[:-2] + "…"
    draw.text((left, middle), text, INK, font, anchor="lm")


def _draw_tile(sheet: Image.Image, tile: Pixels, left: int, top: int, source: bool) -> None:
    picture = Image.fromarray(resize(tile, TILE, TILE))
    # Drawn four times as large and made smaller, the corners are smooth.
    mask = Image.new("L", (TILE * 4, TILE * 4), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, TILE * 4 - 1, TILE * 4 - 1), ROUND * 4, 255)
    small = mask.resize((TILE, TILE), Image.Resampling.LANCZOS)
    if source:
        outline = (left - 3, top - 3, left + TILE + 2, top + TILE + 2)
        ImageDraw.Draw(sheet).rounded_rectangle(outline, ROUND + 3, None, ACCENT, 2)
    sheet.paste(picture, (left, top), small)


def _font(size: int) -> Font:
    """Pillow's own typeface: the same on every machine."""
    return ImageFont.load_default(size)
