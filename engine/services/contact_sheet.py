"""Lays pictures out as a contact sheet: columns of sections of labelled rows, on a quiet ground."""

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
TILE, GAP, LABEL, MARGIN, PADDING, ROUND = 104, 8, 160, 32, 20, 8
HEAD, TITLE, COLUMN, SPACE = 96, 40, 22, 16


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


def contact_sheet(title: str, subtitle: str, columns: Sequence[Sequence[Section]]) -> Pixels:
    """Draw the sheet: sections below each other in columns of one width."""
    most = max(len(row.tiles) for column in columns for section in column for row in section.rows)
    wide = 2 * PADDING + LABEL + most * (TILE + GAP) + PADDING // 2
    tall = max(sum(section.height + SPACE for section in column) for column in columns)
    width = 2 * MARGIN + len(columns) * (wide + SPACE) - SPACE
    sheet = Image.new("RGB", (width, HEAD + MARGIN - SPACE + tall), GROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, 26), title, INK, typeface(28))
    draw.text((MARGIN, 64), subtitle, QUIET, typeface(13))
    for index, column in enumerate(columns):
        left, top = MARGIN + index * (wide + SPACE), HEAD
        for section in column:
            stretch = tall - SPACE - (top - HEAD) if section is column[-1] else section.height
            draw.rounded_rectangle((left, top, left + wide, top + stretch), 14, PANEL)
            _draw_section(sheet, draw, section, left + PADDING, top + PADDING)
            top += section.height + SPACE
    return np.asarray(sheet, dtype=np.uint8)


def _draw_section(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, section: Section, left: int, y: int
) -> None:
    title = typeface(17)
    draw.text((left, y), section.title, INK, title)
    after = left + draw.textlength(section.title, title) + 14
    draw.text((after, y + 4), section.note, QUIET, typeface(12))
    y += TITLE
    for index, text in enumerate(section.columns):
        x = left + _offset(section, index) + TILE // 2
        draw.text((x, y), text, QUIET, typeface(12), anchor="ma")
    y += COLUMN if section.columns else 0
    for number, row in enumerate(section.rows):
        if section.sources and number == section.sources:
            y += PADDING // 2
        _draw_label(draw, row.label, left, y + TILE // 2)
        for index, tile in enumerate(row.tiles):
            if tile is not None:
                source = index < section.sources or number < section.sources
                draw_tile(sheet, tile, left + _offset(section, index), y, source)
        y += TILE + GAP


def _offset(section: Section, index: int) -> int:
    aside = PADDING // 2 if section.sources and index >= section.sources else 0
    return LABEL + aside + index * (TILE + GAP)


def _draw_label(draw: ImageDraw.ImageDraw, text: str, left: int, middle: int) -> None:
    font = typeface(14)
    while text and draw.textlength(text, font) > LABEL - 16:
        text = text[:-2].rstrip() + "…" if not text.endswith("…") else text[:-2] + "…"
    draw.text((left, middle), text, INK, font, anchor="lm")


def draw_tile(
    sheet: Image.Image,
    tile: Pixels,
    left: int,
    top: int,
    source: bool = False,
    side: int = TILE,
) -> None:
    """A picture in a square of `side` px with round corners; source: set off by an outline."""
    picture = Image.fromarray(resize(tile, side, side))
    # Drawn four times as large and made smaller, the corners are smooth.
    mask = Image.new("L", (side * 4, side * 4), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, side * 4 - 1, side * 4 - 1), ROUND * 4, 255)
    small = mask.resize((side, side), Image.Resampling.LANCZOS)
    if source:
        outline = (left - 3, top - 3, left + side + 2, top + side + 2)
        ImageDraw.Draw(sheet).rounded_rectangle(outline, ROUND + 3, None, ACCENT, 2)
    sheet.paste(picture, (left, top), small)


def typeface(size: int) -> Font:
    """Pillow's own typeface: the same on every machine."""
    return ImageFont.load_default(size)
