"""A picture at another size: what `export` and `render` mean by the longer side."""

from __future__ import annotations

from collections.abc import Callable

from engine.controlling import Drawn, Edges, Pose
from engine.denoising import Denoise, Redraw, Upscale
from engine.perturbing import Perturb
from engine.recipe import (
    Crop,
    Generate,
    Image,
    ModelRef,
    Recipe,
    Resize,
    Straighten,
    Transform,
    Tuned,
)


def size_of(image: Image, resolution: Callable[[ModelRef], int]) -> tuple[int, int] | None:
    """Width and height where the expression tells them without being rendered.

    resolution: the side of what a model makes, in pixels.
    """
    if isinstance(image, Resize | Crop):
        return image.width, image.height
    if isinstance(image, Straighten | Drawn | Pose):
        return image.side, image.side
    if isinstance(image, Perturb | Edges):
        return size_of(image.image, resolution)
    if isinstance(image, Transform | Tuned):
        image = image.image
    if isinstance(image, Redraw):
        image = image.made
    if isinstance(image, Upscale):
        inner = size_of(image.image, resolution)
        return None if inner is None else (2 * inner[0], 2 * inner[1])
    if isinstance(image, Generate | Denoise):
        side = resolution(image.model)
        return side, side
    return None


def resized(recipe: Recipe, size: tuple[int, int], longer_px: int) -> Recipe:
    """The Recipe at a longer side of `longer_px`: unchanged where it already has that.

    size: the width and height that it has. Raises RecipeError for a side that no picture may have.
    """
    if max(size) == longer_px:
        return recipe
    width, height = (
        longer_px if side == max(size) else max(1, round(side * longer_px / max(size)))
        for side in size
    )
    return Recipe(Resize(recipe.image, width, height))
