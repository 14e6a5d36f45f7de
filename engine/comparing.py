"""One or two parameters of a diffusion picture varied: a Grid of Recipes with words on its sides.

A value of a parameter is a set of changed fields. Two such sets make a cell; where together they
make no sense, such as a spacing that the sampler does not know, the cell stays free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from engine.denoising import (
    Classes,
    Conditioning,
    Denoise,
    PerturbedAttention,
    Redraw,
    SamplerName,
    Spacing,
    Texts,
    TextWeight,
    Thresholding,
    Upscale,
)
from engine.errors import RecipeError
from engine.recipe import MAX_SEED, ClassWeight, Image, Recipe, Resize, Seed, walk
from engine.varying import vary

MOST_CELLS = 100
AXES: Mapping[str, str] = {
    "guidance": "Guidance scale",
    "steps": "Steps",
    "noise": "Seed",
    "class": "Class",
    "prompt": "Prompt",
    "negative": "Negative prompt",
    "sampler": "Sampler",
    "spacing": "Spacing",
    "eta": "Eta",
    "start": "Guidance from",
    "end": "Guidance until",
    "rescale": "Guidance rescale",
    "pag": "Perturbed attention",
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
_SIDES = {"prompt", "negative"}  # axes for models that read texts
EXAMPLES = ("a smiling woman with glasses", "an old man with a beard", "a young woman")
AWAY = ("glasses", "a smiling face")


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
    common, in words. untold: the same without the words of any text.
    """

    across: str
    down: str
    columns: tuple[Choice, ...]
    rows: tuple[Choice, ...]
    cells: tuple[tuple[Recipe | None, ...], ...]
    fixed: str = ""
    untold: str = ""

    def private(self) -> Grid:
        """The same pictures, whose words do not tell what their texts say."""
        sides: dict[str, Any] = {
            name: tuple(Choice(f"text {i}", one.changes) for i, one in enumerate(choices, 1))
            for name, axis, choices in (
                ("columns", self.across, self.columns), ("rows", self.down, self.rows),
            )
            if axis in _SIDES
        }  # fmt: skip
        return replace(self, fixed=self.untold, **sides)

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
    if {across, down} == {"class", "prompt"}:
        raise RecipeError(
            "A picture is asked for by a class or by a prompt.", "Choose another for one side."
        )
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
    words = (_fixed(node, classes, (across, down), told) for told in (True, False))
    found = Grid(across, down, columns, rows, cells, *words)
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
        vary(node, one.changes)  # what is out of range is told, whatever stands on the other side
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
        made = vary(denoising_of(recipe), changes)
    except RecipeError:
        return None
    return Recipe(_around(recipe.image, made))


def _around(image: Image, made: Denoise) -> Image:
    if isinstance(image, Resize | Upscale):
        return replace(image, image=_around(image.image, made))
    return replace(image, made=made) if isinstance(image, Redraw) else made


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


def _prompts(
    node: Denoise, classes: Sequence[str], given: Sequence[str] | None
) -> tuple[Choice, ...]:
    asked = node.conditioning.weights if isinstance(node.conditioning, Texts) else ()
    own = [item.text for item in asked[:1] if item.text]
    wanted = dict.fromkeys([*own, *EXAMPLES] if given is None else given)
    return tuple(
        Choice(f"“{text}”", {"conditioning": Texts((TextWeight(text),))}) for text in wanted
    )


def _negatives(
    node: Denoise, classes: Sequence[str], given: Sequence[str] | None
) -> tuple[Choice, ...]:
    wanted = [text for text in dict.fromkeys(AWAY if given is None else given) if text]
    away = (Choice(f"“{text}”", {"negative": Texts((TextWeight(text),))}) for text in wanted)
    return (Choice("nothing", {"negative": Texts()}), *away)


_MAKERS: Mapping[str, Maker] = {
    "guidance": _numbers("scale", (0.0, 1.0, 2.0, 4.0, 8.0)),
    "pag": _numbers("pag", (0.0, 0.5, 1.0, 1.5, 2.0)),
    "steps": _numbers("steps", (5, 10, 25, 50), "{:g} steps", whole=True),
    "noise": _seeds,
    "class": _classes,
    "prompt": _prompts,
    "negative": _negatives,
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


def _said(conditioning: Conditioning, told: bool) -> tuple[str, ...]:
    texts = conditioning.weights if isinstance(conditioning, Texts) else ()
    if texts and not told:
        return ("a text",)
    return tuple(f"“{item.text}”" for item in texts)


def _fixed(node: Denoise, classes: Sequence[str], axes: Sequence[str], told: bool) -> str:
    """What every picture of a grid has in common, in words. told: with the words of its texts."""
    weights = node.conditioning.weights if isinstance(node.conditioning, Classes) else ()
    sorts = [classes[w.index] if w.index < len(classes) else f"{w.index}" for w in weights]
    named = {"control": "ControlNet", "perturbed_attention": "perturbed attention"}
    terms = [(term, f"{named.get(term.op, 'guidance')} {term.scale:g}") for term in node.guidance]
    pag = [words for term, words in terms if isinstance(term, PerturbedAttention)]
    known = {
        "noise": f"seed {node.noise.n}" if isinstance(node.noise, Seed) else "noise of its own",
        "class": " + ".join((*sorts, *_said(node.conditioning, told))) or "any class",
        "guidance": ", ".join(words for _, words in terms if words not in pag) or "unguided",
        "pag": ", ".join(pag),
        "sampler": SAMPLER_TITLES["ddim" if "eta" in axes else node.sampler],
        "steps": f"{node.steps} steps",
    }
    hidden = {*axes, *(("class",) if "prompt" in axes else ())}
    return " · ".join(words for key, words in known.items() if words and key not in hidden)
