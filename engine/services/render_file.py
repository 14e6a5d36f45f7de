"""A render for scripts: a PNG that says how it came about, or the bare numbers as .npy.

It is not an export: nothing is signed and no ledger row is written.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from engine.errors import ImageError
from engine.frame import RenderSettings
from engine.image.codec import encode
from engine.image.xmp import SOURCE_TYPES, packet
from engine.provenance.origin import source_type
from engine.provenance.program import NAME, program_version
from engine.recipe import Generate, Recipe, Transform
from engine.services.render import Renderer
from engine.services.sizing import resized, size_of
from engine.store import replacing, write_remedy


def render_file(
    renderer: Renderer,
    recipe: Recipe,
    path: Path,
    settings: RenderSettings,
    longer_px: int | None = None,
) -> None:
    """Render the Recipe into a .png or .npy file, whole or not at all.

    longer_px: of the picture's longer side, its own when None.
    .npy: float32 [1, 3, height, width], nominally [-1, 1]; where the Recipe is more than one
    Generate, the finished bytes scaled back. The same Recipe gives the same file. Raises
    ImageError for another kind of file or a folder that cannot be written, and what rendering
    raises.
    """
    kind = path.suffix.lower()
    if path.is_dir():
        raise ImageError(
            f"render writes a file, but {path} is a folder.", "Name a file, such as picture.png."
        )
    if kind not in (".png", ".npy"):
        raise ImageError(f"render writes .png or .npy, got {path.name!r}.", "Use export for more.")
    if longer_px is not None:
        recipe = resized(recipe, _size(renderer, recipe, settings), longer_px)
    data = _png(renderer, recipe, settings) if kind == ".png" else _npy(renderer, recipe, settings)
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise ImageError(
            f"{path} cannot be written: {error.strerror or error}.", write_remedy(error)
        ) from error


def _size(renderer: Renderer, recipe: Recipe, settings: RenderSettings) -> tuple[int, int]:
    known = size_of(recipe.image, renderer.resolution)
    if known is not None:
        return known
    height, width = renderer.render(recipe, settings).pixels.shape[:2]
    return width, height


def _png(renderer: Renderer, recipe: Recipe, settings: RenderSettings) -> bytes:
    pixels = renderer.render(recipe, settings).pixels
    kind = source_type(recipe)
    tool = f"{NAME} {program_version()}"
    return encode(
        pixels, "png", xmp=packet(SOURCE_TYPES + kind if kind else None, tool, None), text={}
    )


def _npy(renderer: Renderer, recipe: Recipe, settings: RenderSettings) -> bytes:
    if isinstance(recipe.image, Generate | Transform):
        image = renderer.image(recipe.image, settings)
    else:
        pixels = renderer.render(recipe, settings).pixels
        image = (pixels.astype(np.float32) / np.float32(127.5) - 1).transpose(2, 0, 1)[None]
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(image, dtype=np.float32), allow_pickle=False)
    return out.getvalue()
