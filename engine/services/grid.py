"""A comparison as one signed sheet: every picture rendered anew, then laid out with its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engine.cancel import CancelToken
from engine.comparing import AXES, Grid, denoising_of
from engine.denoising import DenoiserInfo
from engine.errors import ExportError, ModelError
from engine.frame import Frame, OnProgress, Progress
from engine.recipe import Recipe
from engine.services.contact_sheet import Pixels
from engine.services.grid_sheet import Sides, grid_sheet

RENDERING = (0.05, 0.48)  # of an export; marking comes next


def sheet_of(
    grid: Grid,
    models: Sequence[DenoiserInfo],
    render: Callable[[Recipe], Frame],
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Frame:
    """The sheet of a comparison; its Recipe is that of the first picture.

    render: at full quality. Raises what it raises, ExportError for a grid without pictures, and
    Cancelled between two pictures.
    """
    recipes = grid.recipes
    if not recipes:
        raise ExportError("There is no picture to put on a sheet.", "Choose other parameters.")
    frames: dict[Recipe, Frame] = {}
    for index, recipe in enumerate(recipes):
        (cancel or CancelToken()).check()
        if progress is not None:
            low, high = RENDERING
            share = low + (high - low) * index / len(recipes)
            progress(Progress(f"Rendering {index + 1} of {len(recipes)}", share))
        frames[recipe] = render(recipe)
    return replace(frames[recipes[0]], pixels=_drawn(grid, models, frames))


def _drawn(grid: Grid, models: Sequence[DenoiserInfo], frames: Mapping[Recipe, Frame]) -> Pixels:
    ref = denoising_of(grid.recipes[0]).model
    info = next((one for one in models if one.sha256 == ref.sha256), None)
    if info is None:
        raise ModelError(
            f"The model {ref.name!r} with digest {ref.sha256[:12]}… is not on this machine.",
            "Import it, then try again.",
        )
    tiles = [[None if cell is None else frames[cell].pixels for cell in row] for row in grid.cells]
    sides = Sides(
        AXES[grid.across],
        [one.words for one in grid.columns],
        AXES[grid.down] if grid.down else "",
        [one.words for one in grid.rows],
    )
    names = AXES[grid.across] + (f" and {AXES[grid.down].lower()}" if grid.down else "")
    made = f"{info.name}, {info.resolution} px, weights {info.sha256[:16]}"
    title = f"{info.title}: {names[:1].lower()}{names[1:]}"
    return grid_sheet(title, (grid.fixed, made), sides, tiles)
