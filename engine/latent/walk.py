"""Ways through the latent space, as expressions that a Recipe can hold.

Nothing here computes a vector: every step of a walk is a Latent, so that each frame of a walk can
be looked at, exported and signed by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from engine.errors import RecipeError
from engine.recipe import Arithmetic, Blend, Latent, Seed, Term

Easing = Literal["linear", "smooth"]


def between(a: Latent, b: Latent, t: float) -> Latent:
    """From a (t = 0) to b (t = 1): along the great circle when both are in z, straight else.

    At the ends the plain latent comes back, not a blend, so that equal pictures are equal Recipes.
    """
    if t == 0.0 or a == b:
        return a
    if t == 1.0:
        return b
    in_z = a.space == "z" and b.space == "z"
    return Blend(a, b, t, "z" if in_z else "w", "slerp" if in_z else "linear")


def lattice(s00: Latent, s10: Latent, s01: Latent, s11: Latent, x: float, y: float) -> Blend:
    """The point (x, y) of the square spanned by four latents in z; corners at 0 and 1.

    s10 stands at x = 1, y = 0. Always the same three blends, whatever x and y are, so that a drag
    over the pad changes two numbers of the Recipe and nothing else.
    """
    top = Blend(s00, s10, x, "z", "slerp")
    bottom = Blend(s01, s11, x, "z", "slerp")
    return Blend(top, bottom, y, "z", "slerp")


def through(
    keys: Sequence[Latent], position: float, *, closed: bool = False, easing: Easing = "linear"
) -> Latent:
    """The latent at `position` on the way through the keys; key i stands at position i.

    closed: the way goes on from the last key to the first, and position wraps; else position is
    held between 0 and len(keys) - 1. easing "smooth" rests at each key (3 t^2 - 2 t^3).
    Raises RecipeError without keys.
    """
    if not keys:
        raise RecipeError("A walk needs at least one latent, got none.")
    count = len(keys)
    place = position % count if closed else min(max(position, 0.0), count - 1.0)
    index = min(int(place), count - 1)
    t = place - index
    eased = t * t * (3.0 - 2.0 * t) if easing == "smooth" else t
    return between(keys[index], keys[(index + 1) % count], eased)


def keyframe_walk(
    seeds: Sequence[int], frames: int, *, closed: bool = False, easing: Easing = "linear"
) -> tuple[Latent, ...]:
    """`frames` steps from the first seed to the last, both included, evenly spaced.

    closed: the steps lead around to just before the first seed again, so that the film loops
    without a frame shown twice. Raises RecipeError without seeds or for fewer than 1 frame.
    """
    if frames < 1:
        raise RecipeError(f"A walk needs at least 1 frame, got {frames}.")
    keys = [Seed(n) for n in seeds]
    span = len(keys) / frames if closed else (len(keys) - 1) / max(1, frames - 1)
    return tuple(through(keys, i * span, closed=closed, easing=easing) for i in range(frames))


def circle(a: Latent, b: Latent, turn: float) -> Latent:
    """A round loop in z through a (turn 0), b (1/4), -a (1/2) and -b (3/4).

    cos(2 pi turn) a + sin(2 pi turn) b: two draws of a Gaussian are almost perpendicular, so the
    length stays nearly that of a draw and the film has no corner anywhere.
    """
    angle = 2.0 * math.pi * (turn % 1.0)
    terms = (Term(math.cos(angle), (a,)), Term(math.sin(angle), (b,)))
    return Arithmetic(terms, "z")
