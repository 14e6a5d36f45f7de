"""Between two pictures: the Recipes on the way from one to the other, and the frames of a film."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.errors import RecipeError
from engine.latents import Space
from engine.path import Easing, Path
from engine.recipe import (
    Blend,
    ClassWeight,
    Generate,
    Image,
    Latent,
    Mix,
    Noise,
    Recipe,
    Resize,
    Truncate,
    Tuned,
)


def tween(
    a: Latent, b: Latent, t: float, space: Space, layers: Sequence[int] | None = None
) -> Latent:
    """The latent at t between a (0) and b (1), worked out in a space.

    z: along the great circle, inside a truncation that both share; where one of them is no z it
    is w. layers: in w, those that walk; the others stay a's. At the ends the plain latent.
    """
    if a == b or t == 0.0:
        return a
    if layers is not None:
        return Mix(a, b, tuple(layers), t)
    if t == 1.0:
        return b
    if space == "z":
        return _in_z(a, b, t)
    if space == "s":
        return Blend(a, b, t, "s", "linear")
    return Blend(a, b, t, _later(a, b), "linear")


def _in_z(a: Latent, b: Latent, t: float) -> Latent:
    if a.space == "z" and b.space == "z":
        return Blend(a, b, t, "z", "slerp")
    if isinstance(a, Truncate) and isinstance(b, Truncate):
        same = a.psi == b.psi and a.cutoff == b.cutoff
        if same and a.base.space == "z" and b.base.space == "z":
            return replace(a, base=Blend(a.base, b.base, t, "z", "slerp"))
    return Blend(a, b, t, _later(a, b), "linear")


def _later(a: Latent, b: Latent) -> Space:
    return "s" if "s" in (a.space, b.space) else "w"


def grid(
    corners: tuple[Latent, Latent, Latent, Latent], columns: int, rows: int, space: Space
) -> tuple[tuple[Latent, ...], ...]:
    """Rows of latents between four corners: 00, 10, 01, 11; the corners stand in the corners.

    Raises RecipeError for fewer than two columns or rows.
    """
    if columns < 2 or rows < 2:
        raise RecipeError(f"A grid needs two columns and rows, got {columns} and {rows}.")
    s00, s10, s01, s11 = corners
    lines = []
    for row in range(rows):
        y = row / (rows - 1)
        left, right = tween(s00, s01, y, space), tween(s10, s11, y, space)
        lines.append(
            tuple(tween(left, right, column / (columns - 1), space) for column in range(columns))
        )
    return tuple(lines)


def between_four(
    corners: Sequence[Recipe], x: float, y: float, space: Space, noise_of: int = 0
) -> Recipe:
    """The picture at (x, y) between four: 00, 10, 01, 11 stand at the ends of x and y.

    Classes and noise are those of corner `noise_of`. Raises RecipeError where they are not four
    generated pictures of one model.
    """
    made = [_generated(recipe.image) for recipe in corners]
    if len(made) != 4 or len({item.model.sha256 for item in made}) > 1:
        raise RecipeError(
            "A walk between four needs four pictures of one model.", "Set the corners anew."
        )
    a, b, c, d = (item.latent for item in made)
    latent = tween(tween(a, b, x, space), tween(c, d, x, space), y, space)
    own = made[noise_of]
    return Recipe(Generate(own.model, latent, own.classes, own.noise))


def _generated(image: Image) -> Generate:
    while isinstance(image, Resize):
        image = image.image
    if not isinstance(image, Generate):
        raise RecipeError(
            f"A walk is between generated pictures, got {image.op!r}.", "Choose another picture."
        )
    return image


def eased(t: float, easing: Easing) -> float:
    """t in [0, 1] with its pace changed: smooth rests at both ends, in at the first, out at the
    last."""
    if easing == "smooth":
        return t * t * (3.0 - 2.0 * t)
    if easing == "in":
        return 1.0 - math.cos(t * math.pi / 2)
    return math.sin(t * math.pi / 2) if easing == "out" else t


def frame_of(path: Path, index: int) -> Recipe:
    """The Recipe of a frame, from 0. Raises RecipeError beyond the last one."""
    if not 0 <= index < path.frames:
        raise RecipeError(f"The film has the frames 0 to {path.frames - 1}, got {index}.")
    steps = path.frames if path.loop_s else max(1, path.frames - 1)
    return at(path, index / steps, index)


def at(path: Path, share: float, index: int = 0) -> Recipe:
    """The Recipe at a share of the film's time, in [0, 1]. index: the frame, for walking noise."""
    if path.warp:
        share = float(np.interp(share, np.linspace(0, 1, len(path.warp)), path.warp))
    time = share * path.duration_s
    times = [key.time_s for key in path.keys]
    images = [key.image for key in path.keys]
    if path.loop_s:
        times.append(path.duration_s)
        images.append(images[0])
    place = min(max(0, int(np.searchsorted(times, time, side="right")) - 1), len(times) - 1)
    if place == len(times) - 1:
        image = images[-1]
    else:
        t = (time - times[place]) / (times[place + 1] - times[place])
        image = _mixed(images[place], images[place + 1], eased(t, path.easing), path)
    return Recipe(_noisy(image, path, index))


def _mixed(a: Image, b: Image, t: float, path: Path) -> Image:
    if isinstance(a, Tuned) and isinstance(b, Tuned):
        made = _mixed(a.image, b.image, t, path)
        assert isinstance(made, Generate)
        return Tuned(made, a.delta)
    assert isinstance(a, Generate)
    assert isinstance(b, Generate)
    latent = tween(a.latent, b.latent, t, path.space, path.layers)
    classes = a.classes if a.classes == b.classes else _classes(a.classes, b.classes, t)
    return Generate(a.model, latent, classes, a.noise)


def _classes(
    a: tuple[ClassWeight, ...], b: tuple[ClassWeight, ...], t: float
) -> tuple[ClassWeight, ...]:
    """Both sets of classes, each with its share."""
    shares: dict[int, float] = {}
    for classes, share in ((a, 1.0 - t), (b, t)):
        for item in classes:
            shares[item.index] = shares.get(item.index, 0.0) + share * item.weight
    kept = {index: weight for index, weight in shares.items() if weight}
    return tuple(ClassWeight(index, weight) for index, weight in sorted(kept.items())[:16])


def _noisy(image: Image, path: Path, index: int) -> Image:
    if path.noise == "locked":
        return image
    if isinstance(image, Tuned):
        made = _noisy(image.image, path, index)
        assert isinstance(made, Generate)
        return Tuned(made, image.delta)
    assert isinstance(image, Generate)
    strength = image.noise.strength
    return replace(image, noise=Noise("random", (image.noise.seed + index) % 2**32, strength))
