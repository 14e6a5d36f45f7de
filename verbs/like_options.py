"""The words of `render` and `export` that pull a variation of a picture elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.comparing import denoising_of
from engine.errors import UsageError
from engine.likening import Likeness, TextDifference
from engine.recipe import Image, ModelRef, Recipe
from engine.wishes import ClipInfo

BLEND, DIFFERENCE = ("blend", "blend_share"), ("difference", "difference_share")
LIKE_WORDS = (*BLEND, *DIFFERENCE)


def add_like_options(parser: ArgumentParser) -> None:
    """Toward which picture, or along which texts, and how far."""
    words = "a variation goes toward this picture, too; or a RECIPE.json"
    parser.add_argument("--blend", type=Path, metavar="FILE", help=words)
    parser.add_argument("--blend-share", type=float, metavar="S", help="how far, 0 to 1; 0.5")
    words = "and along the difference of two texts"
    parser.add_argument("--difference", metavar="'A -> B'", help=words)
    parser.add_argument("--difference-share", type=float, metavar="S", help="0 to 1; 0.35")


def likened(
    options: Namespace,
    made: Recipe,
    square: Callable[[Path], Image],
    clip: Callable[[], ClipInfo],
) -> Recipe:
    """The diffusion picture with what was asked for. square: a file as a picture of the model's
    size. clip: what reads the texts. Raises UsageError, RecipeError, ModelError, ImageError."""
    terms: list[Likeness | TextDifference] = []
    for word, share in (BLEND, DIFFERENCE):
        if getattr(options, word) is None and getattr(options, share) is not None:
            raise UsageError(f"--{share.replace('_', '-')} goes with --{word}.")
    if options.blend is not None:
        share = options.blend_share
        terms.append(Likeness(square(options.blend), 0.5 if share is None else share))
    if options.difference is not None:
        away, arrow, text = options.difference.partition("->")
        if not arrow:
            raise UsageError(
                f"A difference is written 'A -> B', got {options.difference[:60]!r}.",
                "Such as: 'a face -> a face with glasses'.",
            )
        share = options.difference_share
        reader = clip()
        ref = ModelRef(reader.name, reader.sha256)
        term = TextDifference(ref, text.strip(), away.strip())
        terms.append(term if share is None else replace(term, scale=share))
    if not terms:
        return made
    node = denoising_of(made)
    return Recipe(replace(node, guidance=(*node.guidance, *terms)))
