"""The words of `render` and `export` that mean a diffusion picture, or a comparison of several."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.comparing import AXES, SAMPLER_TITLES, SPACING_TITLES, Grid, denoising_of, grid_of
from engine.denoising import (
    SPACINGS,
    Classes,
    ClassifierFree,
    ClipGuidance,
    Conditioning,
    Denoise,
    DenoiserInfo,
    Guidance,
    PerturbedAttention,
    PictureGuidance,
    SamplerName,
    Texts,
    TextWeight,
)
from engine.errors import RecipeError, UsageError
from engine.guides import eyes_for
from engine.recipe import ClassWeight, ModelRef, Recipe, Seed
from verbs.control_options import CONTROL_WORDS, add_control_options
from verbs.like_options import LIKE_WORDS, add_like_options

if TYPE_CHECKING:
    from engine.studio import Studio

WORDS: tuple[str, ...] = (
    "steps", "sampler", "spacing", "guidance", "eta", "toward", "away", "text_scale", "source",
    "strength", "picture_guidance", "pag", *CONTROL_WORDS, *LIKE_WORDS,
)  # fmt: skip


def add_diffusion_options(parser: ArgumentParser) -> None:
    """What a diffusion model is asked for."""
    parser.add_argument(
        "--steps", type=int, metavar="N", help="of a diffusion model; 25, or 4 of lcm"
    )
    parser.add_argument(
        "--sampler",
        choices=tuple(SAMPLER_TITLES),
        help="dpmpp_2m, or the lcm that a model was distilled for",
    )
    parser.add_argument("--spacing", choices=tuple(SPACING_TITLES), help="the sampler's first")
    parser.add_argument("--guidance", type=float, metavar="S", help="toward the class; 3")
    parser.add_argument("--eta", type=float, metavar="E", help="noise that ddim adds, 0 to 1")
    parser.add_argument("--toward", metavar="T", help="a text that a CLIP pulls toward")
    parser.add_argument("--away", metavar="T", help="a text that it pulls away from")
    parser.add_argument("--text-scale", type=float, metavar="S", help="how strongly; 1")
    parser.add_argument("--prompt", metavar="T", help="for a model that reads texts")
    parser.add_argument("--negative", metavar="T", help="a text to move away from, likewise")
    words = "a picture, or a RECIPE.json, that a diffusion model draws anew"
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help=words)
    words = "toward it, of a model of edit instructions; 1.5"
    parser.add_argument("--picture-guidance", type=float, metavar="S", help=words)
    words = "perturbed-attention guidance, for clearer parts; what the model's card found best"
    parser.add_argument("--pag", type=float, metavar="S", help=words)
    parser.add_argument("--strength", type=float, metavar="S", help="how far, 0 to 1; 0.6")
    add_control_options(parser)
    add_like_options(parser)


def add_grid_options(parser: ArgumentParser) -> None:
    """What a comparison varies."""
    words = f"one labelled sheet that varies {', '.join(AXES)}"
    words += "; texts are parted by semicolons"
    parser.add_argument("--across", metavar="WHAT[=A,B,...]", help=words)
    parser.add_argument("--down", metavar="WHAT[=A,B,...]", help="a second one, in rows")


def denoiser_called(name: str, studio: Studio) -> DenoiserInfo | None:
    """The diffusion model of that name, if it is one."""
    return next((info for info in studio.denoisers() if info.name == name), None)


def refuse_words(options: Namespace) -> None:
    """Where the model is no diffusion model. Raises UsageError or RecipeError."""
    refuse_prompt(options, options.model)
    given = [word for word in WORDS if getattr(options, word, None) is not None]
    # Other verbs have a --steps of their own, which is no word of the picture.
    if given and hasattr(options, "prompt"):
        word = _option(given[0])
        raise UsageError(f"--{word} is for diffusion models, and {options.model} is none.")


def refuse_words_beside(options: Namespace) -> None:
    """Beside a RECIPE.json, which says all of it. Raises UsageError."""
    if not hasattr(options, "prompt"):
        return
    given = [word for word in (*WORDS, "prompt", "negative") if getattr(options, word) is not None]
    if given:
        word = _option(given[0])
        raise UsageError(f"Give a RECIPE.json, or --model with --{word}, not both.")


def _option(name: str) -> str:
    return {"source": "from"}.get(name, name.replace("_", "-"))


def refuse_prompt(options: Namespace, name: str) -> None:
    """Of a model that reads no texts. Raises RecipeError."""
    for text in (getattr(options, "prompt", None), getattr(options, "negative", None)):
        if text is not None:
            raise RecipeError(
                f"{name} reads no texts, got the prompt {text[:60]!r}.",
                "Guide it with --toward, which a CLIP reads, or choose a class with --class.",
            )


def text_of(options: Namespace, info: DenoiserInfo, studio: Studio) -> tuple[ClipGuidance, ...]:
    """The guidance by a text, where one is given. Raises UsageError, RecipeError, ModelError."""
    if options.toward is None:
        if options.away is not None or options.text_scale is not None:
            raise UsageError("--away and --text-scale go with --toward.")
        return ()
    clip = studio.library.clip()
    eyes = eyes_for(clip.sha256, info.resolution, studio.noisy_clips())
    return (
        ClipGuidance(
            ModelRef(clip.name, clip.sha256),
            options.toward,
            1.0 if options.text_scale is None else options.text_scale,
            options.away or "",
            eyes,
        ),
    )


def denoise_of(
    options: Namespace,
    info: DenoiserInfo,
    classes: tuple[ClassWeight, ...],
    texts: tuple[ClipGuidance, ...] = (),
) -> Recipe:
    """The diffusion picture that the words mean. texts: see text_of. Raises RecipeError."""
    if not info.reads:
        refuse_prompt(options, info.name)
    others = ("psi", "cutoff", "noise", "noise_seed", "noise_strength", "translate", "rotate")
    for word in others:
        if getattr(options, word) is not None:
            raise UsageError(
                f"--{word.replace('_', '-')} is for generators; {info.name} is a diffusion model."
            )
    usual: SamplerName = "lcm" if info.lcm else "dpmpp_2m"
    sampler: SamplerName = options.sampler or (usual if options.eta is None else "ddim")
    steps = 4 if sampler == "lcm" else 25
    scale = 3.0 if options.guidance is None else options.guidance
    sorts = bool(info.classes) and (info.free or options.guidance is not None)
    pag = info.best_pag if options.pag is None else options.pag
    told = info.reads or info.shown == "like" or sorts
    away = _texts(options.negative)
    beside: tuple[Guidance, ...] = texts
    if info.shown == "picture":
        given = options.picture_guidance
        beside = (PictureGuidance(1.5 if given is None else given), *texts)
    elif options.picture_guidance is not None:
        raise UsageError(f"--picture-guidance is for edit instructions, which {info.name} lacks.")
    return Recipe(
        Denoise(
            ModelRef(info.name, info.sha256),
            Seed(options.seed),
            Classes(classes) if classes else _texts(options.prompt),
            (
                *((ClassifierFree(scale, away),) if told else ()),
                *((PerturbedAttention(pag),) if pag else ()),
                *beside,
            ),
            sampler,
            steps if options.steps is None else options.steps,
            options.spacing or SPACINGS[sampler][0],
            options.eta or 0.0,
        )
    )


def _texts(text: str | None) -> Conditioning:
    """What a prompt means; no classes where there is none."""
    return Classes() if text is None else Texts((TextWeight(text),))


def comparison_of(options: Namespace, recipe: Recipe, studio: Studio) -> Grid | None:
    """The comparison that --across and --down ask for around a picture; None without them."""
    if options.across is None:
        if options.down is not None:
            raise UsageError("--down goes with --across.")
        return None
    sha256 = denoising_of(recipe).model.sha256
    info = next((one for one in studio.denoisers() if one.sha256 == sha256), None)
    values: dict[str, tuple[str, ...]] = {}
    keys = []
    for words in (options.across, options.down or ""):
        key, given, listed = words.partition("=")
        keys.append(key)
        if given:
            between = ";" if key in ("prompt", "negative") else ","
            values[key] = tuple(part.strip() for part in listed.split(between) if part.strip())
    return grid_of(recipe, keys[0], keys[1], info.classes if info else (), values)
