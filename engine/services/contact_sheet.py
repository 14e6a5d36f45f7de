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
HEAD, TITLE, COLUMN, SPACE, LINE, MOST_LINES = 96, 40, 22, 16, 18, 4


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
    def heads(self) -> list[list[str]]:
        """The words above the tiles, in lines."""
        return [wrapped(words, typeface(12), TILE) for words in self.columns]

    @property
    def head(self) -> int:
        """The height of these words in pixels."""
        return COLUMN + 15 * (max(map(len, self.heads)) - 1) if self.columns else 0

    @property
    def height(self) -> int:
        """In pixels, padding included."""
        columns = self.head
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
    for index, lines in enumerate(section.heads):
        x = left + _offset(section, index) + TILE // 2
        first = y + section.head - COLUMN - 15 * (len(lines) - 1)
        for number, text in enumerate(lines):
            draw.text((x, first + 15 * number), text, QUIET, typeface(12), anchor="ma")
    y += section.head
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
    lines = wrapped(text, typeface(14), LABEL - 16)
    first = middle - LINE * (len(lines) - 1) // 2
    for number, line in enumerate(lines):
        draw.text((left, first + LINE * number), line, INK, typeface(14), anchor="lm")


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


def wrapped(words: str, font: Font, width: int) -> list[str]:
    """Words in lines of at most `width` px, MOST_LINES of them; what is longer ends in dots."""
    lines: list[str] = [""]
    for word in words.split():
        whole = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(whole) > width:
            lines.append(word)
        else:
            lines[-1] = whole
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1]} …"]
    return [_clipped(line, font, width) for line in lines]


def _clipped(line: str, font: Font, width: int) -> str:
    while len(line) > 1 and font.getlength(line) > width:
        line = line.removesuffix("…").rstrip()[:-1] + "…"
    return line
