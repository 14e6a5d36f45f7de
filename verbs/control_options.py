"""The words of `render` and `export` that put a ControlNet beside a diffusion model."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.comparing import denoising_of
from engine.controlling import Control, Edges, Pose
from engine.errors import ModelError, UsageError
from engine.recipe import Image, ModelRef, Recipe

if TYPE_CHECKING:
    from engine.studio import Studio

CONTROL_WORDS = (
    "control", "control_from", "control_scale", "control_guidance", "control_steps", "edges",
    "pose",
)  # fmt: skip


def add_control_options(parser: ArgumentParser) -> None:
    """What a ControlNet follows, and how closely."""
    words = "a ControlNet beside the model, by its name"
    parser.add_argument("--control", metavar="NAME", help=words)
    words = "what it follows: a picture, or a RECIPE.json"
    parser.add_argument("--control-from", type=Path, metavar="FILE", help=words)
    parser.add_argument(
        "--edges", action="store_true", default=None, help="it follows that picture's edges"
    )
    words = "or a head that is turned: yaw, pitch and tilt from -1 to 1"
    parser.add_argument("--pose", type=_turns, metavar="Y,P,T", help=words)
    parser.add_argument("--control-scale", type=float, metavar="S", help="how closely; 1")
    words = "away from what would be drawn without it; 1 is not at all"
    parser.add_argument("--control-guidance", type=float, metavar="S", help=words)
    words = "from and until which share of the steps; 0,1"
    parser.add_argument("--control-steps", type=_interval, metavar="A,B", help=words)


def controlled(
    options: Namespace, made: Recipe, studio: Studio, square: Callable[[Path], Image], side: int
) -> Recipe:
    """The diffusion picture with the ControlNet that was asked for. square: a file as a picture of
    the model's size, side. Raises UsageError, RecipeError, ModelError, ImageError."""
    if options.control is None:
        for word in CONTROL_WORDS:
            if getattr(options, word) is not None:
                raise UsageError(f"--{word.replace('_', '-')} goes with --control NAME.")
        return made
    if (options.control_from is None) == (options.pose is None):
        raise UsageError("--control goes with --control-from FILE, or with --pose Y,P,T.")
    if options.pose is not None:
        image: Image = Pose(side, *options.pose)
    else:
        image = square(options.control_from)
    start, end = options.control_steps or (0.0, 1.0)
    scale = 1.0 if options.control_scale is None else options.control_scale
    ref = _ref(options.control, studio)
    away = 1.0 if options.control_guidance is None else options.control_guidance
    term = Control(ref, Edges(image) if options.edges else image, scale, start, end, away)
    node = denoising_of(made)
    return Recipe(replace(node, guidance=(*node.guidance, term)))


def _ref(name: str, studio: Studio) -> ModelRef:
    known = {info.name: info for info in studio.library.controls()}
    if name not in known:
        raise ModelError(
            f"There is no ControlNet called {name[:80]!r}; here are: {', '.join(known) or 'none'}.",
            "Import one: a folder as diffusers writes it.",
        )
    return ModelRef(name, known[name].sha256)


def _turns(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) != 3:
        words = f"expected Y,P,T such as 0.5,0,0, got {text[:40]!r}"
        raise argparse.ArgumentTypeError(words)
    return found


def _interval(text: str) -> tuple[float, float]:
    try:
        start, end = (float(part) for part in text.split(","))
    except ValueError:
        words = f"expected A,B such as 0,0.5, got {text[:40]!r}"
        raise argparse.ArgumentTypeError(words) from None
    return start, end
