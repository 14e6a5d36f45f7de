"""The words of the command line that mean a Recipe, for `render` and `export`."""

from __future__ import annotations

import argparse
import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.comparing import denoising_of
from engine.denoising import DenoiserInfo, Redraw, square_of
from engine.errors import RecipeError, UsageError
from engine.recipe import (
    ClassWeight,
    Generate,
    Image,
    Noise,
    Recipe,
    Seed,
    Transform,
    Truncate,
)
from verbs.control_options import controlled
from verbs.diffusion_options import (
    denoise_of,
    denoiser_called,
    refuse_words,
    refuse_words_beside,
    text_of,
)
from verbs.like_options import likened

if TYPE_CHECKING:
    from engine.studio import Studio

MODES = ("const", "random", "none")
_PICTURE: tuple[str, ...] = (
    "model", "seed", "psi", "cutoff", "noise", "noise_seed", "noise_strength", "classes",
    "translate", "rotate",
)  # fmt: skip


def add_recipe_options(parser: ArgumentParser) -> None:
    """A Recipe as a file, or by its parts."""
    parser.add_argument("recipe", nargs="?", metavar="RECIPE.json", help="- reads stdin")
    parser.add_argument("--model", metavar="NAME")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--psi", type=float, metavar="P", help="truncation, 1 by default")
    parser.add_argument(
        "--cutoff", type=int, metavar="N", help="truncate the first N layers, all by default"
    )
    parser.add_argument(
        "--class",
        dest="classes",
        action="append",
        type=_class,
        metavar="N[:SHARE]",
        help="a class of a conditional model; give several to blend them",
    )
    parser.add_argument("--noise", choices=MODES, help="const by default")
    parser.add_argument("--noise-seed", type=int, metavar="N", help="for --noise random")
    parser.add_argument(
        "--noise-strength",
        type=_numbers,
        metavar="S[,S...]",
        help="how strong the noise is: once, or for each noisy layer",
    )
    parser.add_argument(
        "--translate",
        type=_pair,
        metavar="X,Y",
        help="move a StyleGAN3 picture right and down, in its widths; write --translate=-0.2,0",
    )
    parser.add_argument(
        "--rotate", type=float, metavar="DEG", help="turn a StyleGAN3 picture counterclockwise"
    )


def recipe_of(options: Namespace, studio: Studio) -> Recipe:
    """The Recipe that the words of the command line mean. Raises UsageError or RecipeError."""
    if options.recipe is not None:
        if any(getattr(options, name) is not None for name in _PICTURE):
            raise UsageError("Give a RECIPE.json, or --model and --seed, not both.")
        refuse_words_beside(options)
        return Recipe.from_json(_recipe_text(options.recipe))
    if options.model is None or options.seed is None:
        raise UsageError("Give a RECIPE.json, or --model NAME and --seed N.")
    classes = _classes(options.classes or [])
    info = denoiser_called(options.model, studio) if hasattr(options, "prompt") else None
    if info is not None:
        made = denoise_of(options, info, classes, text_of(options, info, studio))
        side = info.resolution
        square = partial(_square, side=side, studio=studio)
        made = controlled(options, made, studio, square, side)
        made = likened(options, made, square, studio.library.clip)
        return _redrawn(options, made, info, studio)
    ref = studio.ref(options.model)
    refuse_words(options)
    psi = 1.0 if options.psi is None else options.psi
    latent = Truncate(Seed(options.seed), psi, options.cutoff)
    return Recipe(_moved(Generate(ref, latent, classes, _noise(options)), options))


def image_of_recipe(path: Path) -> Image | None:
    """What the Recipe in a .json file shows, None for a picture's file. Raises UsageError,
    RecipeError."""
    if path.suffix.lower() != ".json":
        return None
    return Recipe.from_json(_recipe_text(str(path))).image


def _redrawn(options: Namespace, made: Recipe, info: DenoiserInfo, studio: Studio) -> Recipe:
    """The picture of --from drawn anew, where one is given. Raises UsageError, RecipeError,
    ImageError."""
    if options.source is None:
        if options.strength is not None:
            raise UsageError("--strength goes with --from.")
        return made
    square = _square(options.source, info.begins_px, studio)
    strength = info.usual_strength if options.strength is None else options.strength
    return Recipe(Redraw(square, denoising_of(made), strength))


def _square(path: Path, side: int, studio: Studio) -> Image:
    """The middle of what a picture's file or a RECIPE.json shows, at that size."""
    image = image_of_recipe(path)
    if image is None:
        return square_of(*studio.open_photo(path), side)
    height, width = studio.render(Recipe(image)).pixels.shape[:2]
    return square_of(image, width, height, side)


def _classes(given: list[tuple[int, float | None]]) -> tuple[ClassWeight, ...]:
    """One entry a class, by number; without shares the classes count alike."""
    shares = {index: share for index, share in given if share is not None}
    if shares and len(shares) < len(given):
        raise UsageError("Give every --class a share, such as 3:0.5, or none of them.")
    if len({index for index, _ in given}) < len(given):
        raise UsageError("Give every --class once.")
    equal = 1.0 / len(given) if given else 1.0
    return tuple(ClassWeight(n, shares.get(n, equal)) for n in sorted(n for n, _ in given))


def _noise(options: Namespace) -> Noise:
    if options.noise_seed is not None and options.noise != "random":
        raise UsageError("--noise-seed goes with --noise random.")
    strengths = options.noise_strength or (1.0,)
    return Noise(
        options.noise or "const",
        options.noise_seed or 0,
        strengths[0] if len(strengths) == 1 else strengths,
    )


def _moved(made: Generate, options: Namespace) -> Image:
    x, y = options.translate or (0.0, 0.0)
    rotation = options.rotate or 0.0
    return Transform(made, x, y, rotation) if x or y or rotation else made


def _class(text: str) -> tuple[int, float | None]:
    index, colon, share = text.partition(":")
    try:
        return int(index), float(share) if colon else None
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected 3 or 3:0.5, got {text[:40]!r}") from None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers, got {text[:40]!r}") from None


def _pair(text: str) -> tuple[float, float]:
    numbers = _numbers(text)
    if len(numbers) != 2:
        raise argparse.ArgumentTypeError(f"expected X,Y such as 0.2,0, got {text[:40]!r}")
    return numbers[0], numbers[1]


def _recipe_text(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(2_000_000)
    try:
        with Path(path).open("rb") as file:
            return file.read(2_000_000)
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
