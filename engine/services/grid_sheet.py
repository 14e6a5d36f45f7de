"""Draws a comparison as one labelled sheet: what varies along its sides, readable at 100 %."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from engine.services.contact_sheet import (
    GAP,
    GROUND,
    INK,
    MARGIN,
    PADDING,
    PANEL,
    QUIET,
    Pixels,
    draw_tile,
    typeface,
    wrapped,
)

LEAST_TILE, MOST_TILE = 128, 256
HEAD, AXIS, LINE, SIDE = 112, 26, 18, 168
FREE = (52, 57, 68)


@dataclass(frozen=True)
class Sides:
    """What stands along the sides. across, down: what varies; down is "" for one row alone."""

    across: str
    columns: Sequence[str]
    down: str = ""
    rows: Sequence[str] = ()


def grid_sheet(
    title: str, subtitle: Sequence[str], sides: Sides, tiles: Sequence[Sequence[Pixels | None]]
) -> Pixels:
    """The sheet. subtitle: one or two lines; tiles: row by row, None for a place left free."""
    shown = [tile for row in tiles for tile in row if tile is not None]
    side = min(MOST_TILE, max(LEAST_TILE, *(max(tile.shape[:2]) for tile in shown)))
    heads = [wrapped(words, typeface(14), side) for words in sides.columns]
    aside = SIDE if sides.down else 0
    left, top = MARGIN + PADDING + aside, HEAD + PADDING + AXIS
    above = LINE * max(map(len, heads)) + 8
    words = (title, *subtitle)
    fonts = (typeface(28), *(typeface(14) for _ in subtitle))
    inner = max(
        aside + len(sides.columns) * (side + GAP) - GAP + 2 * PADDING,
        *(round(font.getlength(text)) for text, font in zip(words, fonts, strict=True)),
    )
    width = 2 * MARGIN + inner
    height = top + above + len(tiles) * (side + GAP) - GAP + PADDING + MARGIN
    sheet = Image.new("RGB", (width, height), GROUND)
    draw = ImageDraw.Draw(sheet)
    for text, font, y in zip(words, fonts, (22, 62, 80), strict=False):
        draw.text((MARGIN, y), text, INK if y == 22 else QUIET, font)
    draw.rounded_rectangle((MARGIN, HEAD, width - MARGIN, height - MARGIN), 14, PANEL)
    draw.text((left, HEAD + PADDING - 4), sides.across, QUIET, typeface(13))
    if sides.down:
        draw.text((MARGIN + PADDING, HEAD + PADDING - 4), sides.down, QUIET, typeface(13))
    for index, lines in enumerate(heads):
        middle = left + index * (side + GAP) + side // 2
        _lines(draw, lines, middle, top + above - 8 - LINE * len(lines), "ma")
    for number, row in enumerate(tiles):
        y = top + above + number * (side + GAP)
        if sides.down:
            lines = wrapped(sides.rows[number], typeface(14), SIDE - 16)
            _lines(draw, lines, MARGIN + PADDING, y + (side - LINE * len(lines)) // 2, "la")
        for index, tile in enumerate(row):
            x = left + index * (side + GAP)
            if tile is None:
                draw.rounded_rectangle((x, y, x + side - 1, y + side - 1), 8, None, FREE, 1)
            else:
                draw_tile(sheet, tile, x, y, side=side)
    return np.asarray(sheet, dtype=np.uint8)


def _lines(draw: ImageDraw.ImageDraw, lines: Sequence[str], x: int, y: int, anchor: str) -> None:
    for number, line in enumerate(lines):
        draw.text((x, y + number * LINE), line, INK, typeface(14), anchor=anchor)
