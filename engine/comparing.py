"""One or two parameters of a diffusion picture varied: a Grid of Recipes with words on its sides.

A value of a parameter is a set of changed fields. Two such sets make a cell; where together they
make no sense, such as a spacing that the sampler does not know, the cell stays free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from engine.denoising import (
    SPACINGS,
    Classes,
    ClassifierFree,
    Conditioning,
    Denoise,
    Redraw,
    SamplerName,
    Spacing,
    Texts,
    Thresholding,
    Upscale,
)
from engine.errors import RecipeError
from engine.recipe import MAX_SEED, ClassWeight, Image, Recipe, Resize, Seed, walk

MOST_CELLS = 100
AXES: Mapping[str, str] = {
    "guidance": "Guidance scale",
    "steps": "Steps",
    "noise": "Seed",
    "class": "Class",
    "sampler": "Sampler",
    "spacing": "Spacing",
    "eta": "Eta",
    "start": "Guidance from",
    "end": "Guidance until",
    "rescale": "Guidance rescale",
    "threshold": "Thresholding",
}
SAMPLER_TITLES: Mapping[SamplerName, str] = {
    "dpmpp_2m": "DPM-Solver++ 2M",
    "dpmpp_2m_sde": "DPM-Solver++ 2M SDE",
    "unipc": "UniPC",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "euler": "Euler",
    "euler_ancestral": "Euler ancestral",
    "heun": "Heun",
    "lcm": "LCM",
}
SPACING_TITLES: Mapping[Spacing, str] = {
    "trailing": "Trailing",
    "leading": "Leading",
    "linspace": "Even",
    "karras": "Karras",
    "exponential": "Exponential",
}
THRESHOLDS: Mapping[Thresholding, str] = {"none": "None", "static": "Static", "dynamic": "Dynamic"}
SHORT = {"dpmpp_2m": "DPM++ 2M", "dpmpp_2m_sde": "DPM++ SDE", "euler_ancestral": "Euler a"}
_TERM = ("scale", "start", "end")  # fields of the first guidance


@dataclass(frozen=True)
class Choice:
    """One value of a parameter. words: whole, for a sheet; short: where there is little room."""

    words: str
    changes: Mapping[str, Any]
    short: str = ""

    @property
    def label(self) -> str:
        """The short words, the whole ones where there are none."""
        return self.short or self.words


@dataclass(frozen=True)
class Grid:
    """Pictures of every pair of values. cells: by row and column, None where a pair is none.

    across, down: keys of AXES; down is "" for one row without words. fixed: what all have in
    common, in words.
    """

    across: str
    down: str
    columns: tuple[Choice, ...]
    rows: tuple[Choice, ...]
    cells: tuple[tuple[Recipe | None, ...], ...]
    fixed: str = ""

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The Recipes of its pictures, each once, row by row."""
        found = [cell for row in self.cells for cell in row if cell is not None]
        return tuple(dict.fromkeys(found))


def grid_of(
    recipe: Recipe,
    across: str,
    down: str = "",
    classes: Sequence[str] = (),
    values: Mapping[str, Sequence[str]] | None = None,
) -> Grid:
    """The grid around a diffusion picture, upsampled as it is.

    across, down: keys of AXES, down "" for a single row. classes: their names, in order. values:
    by axis, as text, in the place of its own. Raises RecipeError.
    """
    node = denoising_of(recipe)
    given = values or {}
    for key in (across, *((down,) if down else ())):
        if key not in AXES:
            raise RecipeError(
                f"A comparison varies one of {', '.join(AXES)}, got {key[:40]!r}.",
                "Choose one of these.",
            )
    if across == down:
        raise RecipeError(f"Both sides vary {AXES[across].lower()}.", "Choose another for one.")
    columns = choices(across, node, classes, given.get(across))
    rows = choices(down, node, classes, given.get(down)) if down else (Choice("", {}),)
    if len(columns) * len(rows) > MOST_CELLS:
        raise RecipeError(
            f"A comparison shows at most {MOST_CELLS} pictures, "
            f"got {len(rows)} rows of {len(columns)}.",
            "Choose fewer values.",
        )
    cells = tuple(
        tuple(_cell(recipe, {**row.changes, **column.changes}) for column in columns)
        for row in rows
    )
    found = Grid(across, down, columns, rows, cells, _fixed(node, classes, (across, down)))
    if not found.recipes:
        raise RecipeError("No two of these values go together.", "Choose another parameter.")
    return found


def choices(
    axis: str, node: Denoise, classes: Sequence[str] = (), given: Sequence[str] | None = None
) -> tuple[Choice, ...]:
    """The values of an axis around a picture, or those that were given as text.

    Raises RecipeError for a text that is none of its values.
    """
    made = _MAKERS[axis](node, classes, given)
    if not made:
        raise RecipeError(f"{AXES[axis]}: no values were given.", "Give one or more.")
    for one in made:
        _vary(node, one.changes)  # what is out of range is told, whatever stands on the other side
    return made


def denoising_of(recipe: Recipe) -> Denoise:
    """The diffusion picture below its upsampling. Raises RecipeError where there is none."""
    image: Image = recipe.image
    while isinstance(image, Resize | Upscale | Redraw):
        image = image.made if isinstance(image, Redraw) else image.image
    if not isinstance(image, Denoise):
        raise RecipeError(
            f"A comparison is of a diffusion picture, got {image.op!r}.",
            "Choose the Recipe of such a picture.",
        )
    return image


def first_seed(node: Denoise) -> int:
    """The first seed of its noise, 0 for noise without one."""
    return next((leaf.n for leaf in walk(node.noise) if isinstance(leaf, Seed)), 0)


def _cell(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe | None:
    try:
        made = _vary(denoising_of(recipe), changes)
    except RecipeError:
        return None
    return Recipe(_around(recipe.image, made))


def _around(image: Image, made: Denoise) -> Image:
    if isinstance(image, Resize | Upscale):
        return replace(image, image=_around(image.image, made))
    return replace(image, made=made) if isinstance(image, Redraw) else made


def _vary(node: Denoise, changes: Mapping[str, Any]) -> Denoise:
    """The picture with other fields. What only the picture at hand asks for gives way: its spacing
    to a sampler that does not know it, its eta to any but DDIM, its sampler to an eta."""
    wanted = {key: value for key, value in changes.items() if key not in _TERM}
    term = {key: value for key, value in changes.items() if key in _TERM}
    if term:
        terms: tuple[Any, ...] = node.guidance or (ClassifierFree(1.0),)
        wanted["guidance"] = (replace(terms[0], **term), *terms[1:])
    sampler = wanted.get("sampler", "ddim" if "eta" in wanted else node.sampler)
    spacing = wanted.get("spacing", node.spacing)
    if "spacing" not in wanted and spacing not in SPACINGS[sampler]:
        spacing = SPACINGS[sampler][0]
    if "sampler" not in wanted and spacing not in SPACINGS[sampler]:
        sampler = "dpmpp_2m"  # it knows them all
    eta = wanted.get("eta", node.eta if sampler == "ddim" else 0.0)
    return replace(node, **{**wanted, "sampler": sampler, "spacing": spacing, "eta": eta})


Maker = Callable[[Denoise, Sequence[str], Sequence[str] | None], tuple[Choice, ...]]


def _numbers(
    field: str, values: Sequence[float], words: str = "{:g}", whole: bool = False
) -> Maker:
    """Values of a number. words: how one is written out; whole: it has no fractions."""

    def make(
        node: Denoise, classes: Sequence[str], given: Sequence[str] | None
    ) -> tuple[Choice, ...]:
        wanted = values if given is None else [_number(field, text, whole) for text in given]
        return tuple(Choice(words.format(value), {field: value}, f"{value:g}") for value in wanted)

    return make


def _number(field: str, text: str, whole: bool) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        kind = "whole numbers" if whole else "numbers"
        raise RecipeError(f"{field} takes {kind}, got {text[:40]!r}.") from None


def _names(field: str, titles: Mapping[Any, str], shown: Sequence[str] = ()) -> Maker:
    """Values by name. shown: those of the axis itself, all when empty."""

    def make(
        node: Denoise, classes: Sequence[str], given: Sequence[str] | None
    ) -> tuple[Choice, ...]:
        names = given if given is not None else shown or tuple(titles)
        for name in names:
            if name not in titles:
                raise RecipeError(
                    f"{field} is one of {', '.join(titles)}, got {name[:40]!r}.",
                    "Choose one of these.",
                )
        return tuple(Choice(titles[name], {field: name}, SHORT.get(name, "")) for name in names)

    return make


def _seeds(
    node: Denoise, classes: Sequence[str], given: Sequence[str] | None
) -> tuple[Choice, ...]:
    first = first_seed(node)
    seeds = [(first + i) % (MAX_SEED + 1) for i in range(4)]
    wanted = seeds if given is None else [int(_number("seed", text, True)) for text in given]
    return tuple(Choice(f"seed {n}", {"noise": Seed(n)}, f"{n}") for n in wanted)


def _classes(
    node: Denoise, classes: Sequence[str], given: Sequence[str] | None
) -> tuple[Choice, ...]:
    every = [str(index) for index in range(min(len(classes), 16))]
    made = []
    for text in every if given is None else given:
        index = int(_number("class", text, True))
        if not 0 <= index < len(classes):
            raise RecipeError(
                f"The model knows the classes 0 to {len(classes) - 1}, got {index}."
                if classes
                else f"The model knows no classes, got {index}.",
                "Choose one of these, or another parameter.",
            )
        made.append(
            Choice(classes[index], {"conditioning": Classes((ClassWeight(index),))}, str(index))
        )
    return tuple(made) or (Choice("any", {}),)


_MAKERS: Mapping[str, Maker] = {
    "guidance": _numbers("scale", (0.0, 1.0, 2.0, 4.0, 8.0)),
    "steps": _numbers("steps", (5, 10, 25, 50), "{:g} steps", whole=True),
    "noise": _seeds,
    "class": _classes,
    "sampler": _names(
        "sampler", SAMPLER_TITLES, ("dpmpp_2m", "unipc", "ddim", "ddpm", "euler", "heun")
    ),
    "spacing": _names("spacing", SPACING_TITLES),
    "eta": _numbers("eta", (0.0, 0.25, 0.5, 0.75, 1.0)),
    "start": _numbers("start", (0.0, 0.2, 0.4, 0.6, 0.8)),
    "end": _numbers("end", (0.2, 0.4, 0.6, 0.8, 1.0)),
    "rescale": _numbers("rescale", (0.0, 0.25, 0.5, 0.75, 1.0)),
    "threshold": _names("threshold", THRESHOLDS),
}
assert set(get_args(SamplerName)) == set(SAMPLER_TITLES)


def _said(conditioning: Conditioning) -> tuple[str, ...]:
    texts = conditioning.weights if isinstance(conditioning, Texts) else ()
    return tuple(f"“{item.text}”" for item in texts)


def _fixed(node: Denoise, classes: Sequence[str], axes: Sequence[str]) -> str:
    """What every picture of a grid has in common, in words."""
    weights = node.conditioning.weights if isinstance(node.conditioning, Classes) else ()
    named = [classes[w.index] if w.index < len(classes) else f"{w.index}" for w in weights]
    known = {
        "noise": f"seed {node.noise.n}" if isinstance(node.noise, Seed) else "noise of its own",
        "class": " + ".join((*named, *_said(node.conditioning))) or "any class",
        "guidance": ", ".join(f"guidance {term.scale:g}" for term in node.guidance) or "unguided",
        "sampler": SAMPLER_TITLES["ddim" if "eta" in axes else node.sampler],
        "steps": f"{node.steps} steps",
    }
    return " · ".join(words for key, words in known.items() if key not in axes)
