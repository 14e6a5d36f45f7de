"""Squares on a photo: where they may lie, and which part of a Recipe they are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from engine.recipe import Crop, Image, Straighten

LEAST_PX = 8
Size = tuple[int, int]


@dataclass(frozen=True)
class Square:
    """A square on a photo: its centre and side in pixels, turned counterclockwise by degrees."""

    x: float = 0.5
    y: float = 0.5
    side: float = 1.0
    rotation: float = 0.0


def largest(size: Size) -> Square:
    """The largest upright square in the middle of a picture."""
    return Square(size[0] / 2, size[1] / 2, min(size))


def allowed(square: Square, size: Size) -> Square:
    """The nearest one that may be: an upright one inside, a turned one with its centre inside."""
    width, height = size
    turn = (square.rotation + 180) % 360 - 180
    most = min(size) if turn == 0 else 2 * max(size)
    side = min(max(square.side, min(LEAST_PX, *size)), most)
    margin = side / 2 if turn == 0 else 0.0
    x = min(max(square.x, margin), width - margin)
    y = min(max(square.y, margin), height - margin)
    return Square(x, y, side, turn)


def cut(image: Image, square: Square, size: Size) -> Image:
    """The square of an image as an expression; upright ones lie on whole pixels."""
    side = max(1, round(square.side))
    if square.rotation != 0 or side > min(size):
        places = (round(square.x, 1), round(square.y, 1), side, round(square.rotation, 2))
        return Straighten(image, *places)
    left = min(max(0, round(square.x - square.side / 2)), size[0] - side)
    top = min(max(0, round(square.y - square.side / 2)), size[1] - side)
    whole = (left, top, side, side) == (0, 0, *size)
    return image if whole else Crop(image, left, top, side, side)


def turned(x: float, y: float, degrees: float) -> tuple[float, float]:
    """A step to the right and down, turned counterclockwise as seen."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return cos * x + sin * y, cos * y - sin * x


def corner(square: Square, across: int, down: int) -> tuple[float, float]:
    """A corner of the square as it stands upright: -1 is left or top, 1 right or bottom."""
    dx, dy = turned(across * square.side / 2, down * square.side / 2, square.rotation)
    return square.x + dx, square.y + dy


def drawn_to(square: Square, across: int, down: int, x: float, y: float) -> Square:
    """The square with a corner drawn towards a place; the opposite corner stays."""
    far_x, far_y = corner(square, -across, -down)
    dx, dy = turned(x - far_x, y - far_y, -square.rotation)
    side = max(across * dx, down * dy, LEAST_PX)
    mx, my = turned(across * side / 2, down * side / 2, square.rotation)
    return replace(square, x=far_x + mx, y=far_y + my, side=side)


def beyond(square: Square, size: Size) -> bool:
    """Whether the square leaves the picture by more than a pixel."""
    corners = [corner(square, i, j) for i in (-1, 1) for j in (-1, 1)]
    return any(not (-1 <= x <= size[0] + 1 and -1 <= y <= size[1] + 1) for x, y in corners)
