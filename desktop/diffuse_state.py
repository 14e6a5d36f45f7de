"""The frozen state of the Diffuse page, and the two functions between it and a Recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.controlling import Control, Drawn, Edges, Pose
from engine.denoising import (
    SPACINGS,
    Classes,
    Classifier,
    ClassifierFree,
    ClipGuidance,
    Conditioning,
    Dab,
    Denoise,
    DenoiserInfo,
    Guidance,
    PerturbedAttention,
    PictureGuidance,
    Redraw,
    SamplerName,
    Spacing,
    Texts,
    Thresholding,
    Upscale,
)
from engine.errors import RecipeError
from engine.likening import Likeness, TextDifference
from engine.recipe import Image, Latent, ModelRef, Recipe, Resize, Seed

FIRST_NOISE = Seed(0)
ANYTHING = Classes()


@dataclass(frozen=True)
class Stages:
    """The cascade: how often the picture is doubled, by which model, with how much noise, in how
    many steps each time."""

    model: ModelRef
    doublings: int = 1
    level: float = Upscale.level
    steps: int = Upscale.steps


@dataclass(frozen=True)
class Begun:
    """A picture that is drawn anew in the place of noise alone; only: see Redraw."""

    image: Image
    strength: float = 0.6
    only: tuple[Dab, ...] = ()


@dataclass(frozen=True)
class DiffuseState:
    """Everything that the Diffuse page shows of the picture."""

    model: ModelRef
    base: Latent = FIRST_NOISE
    conditioning: Classes | Texts = ANYTHING
    terms: tuple[Guidance, ...] = (ClassifierFree(3.0),)
    sampler: SamplerName = "dpmpp_2m"
    steps: int = 25
    spacing: Spacing = "trailing"
    eta: float = 0.0
    threshold: Thresholding = "static"
    percentile: float = Denoise.percentile
    rescale: float = 0.0
    noise_seed: int = 0
    stages: Stages | None = None
    begun: Begun | None = None

    @property
    def class_index(self) -> int | None:
        """The one class that is asked for; None for none, a blend or a text."""
        asked = self.conditioning
        if isinstance(asked, Texts) or len(asked.weights) != 1:
            return None
        return asked.weights[0].index

    @property
    def texts(self) -> Texts:
        """The texts that are asked for; none where it is a class."""
        return self.conditioning if isinstance(self.conditioning, Texts) else Texts()

    @property
    def prompt(self) -> str:
        """The first text that is asked for, "" for none."""
        return next((item.text for item in self.texts.weights), "")


def recipe_of(state: DiffuseState) -> Recipe:
    """The one Recipe of a state."""
    made = Denoise(
        state.model,
        state.base,
        state.conditioning,
        state.terms,
        state.sampler,
        state.steps,
        state.spacing,
        state.eta,
        state.threshold,
        state.percentile,
        state.rescale,
        state.noise_seed,
    )
    begun, stages = state.begun, state.stages
    image: Image = made if begun is None else Redraw(begun.image, made, begun.strength, begun.only)
    if stages is not None:
        for index in range(stages.doublings):
            image = Upscale(image, stages.model, Seed(index), stages.level, steps=stages.steps)
    return Recipe(image)


def state_of(recipe: Recipe) -> DiffuseState:
    """The state that shows a Recipe. Raises RecipeError for what is no diffusion picture of here:
    one made by a generator, or whose stages differ from each other."""
    image: Image = recipe.image
    while isinstance(image, Resize):  # what an export adds
        image = image.image
    wanted, stages = image, None
    doublings = 0
    while isinstance(image, Upscale):
        doublings += 1
        stages = Stages(image.model, doublings, image.level, image.steps)
        image = image.image
    begun = None
    if isinstance(image, Redraw):
        begun, image = Begun(image.image, image.strength, image.only), image.made
    if not isinstance(image, Denoise):
        raise RecipeError(
            f"Diffuse shows pictures of a diffusion model, got {image.op!r}.",
            "Open the Recipe of such a picture.",
        )
    state = DiffuseState(
        image.model,
        image.noise,
        _asked(image.conditioning),
        tuple(_shown(term) for term in image.guidance),
        image.sampler,
        image.steps,
        image.spacing,
        image.eta,
        image.threshold,
        image.percentile,
        image.rescale,
        image.noise_seed,
        stages,
        begun,
    )
    if recipe_of(state).image != wanted:
        raise RecipeError(
            "This Recipe says more than the sliders of Diffuse can show.",
            "Render it from the command line.",
        )
    return state


def is_diffusion(recipe: Recipe) -> bool:
    """Whether the Diffuse page is the one for this picture."""
    image = recipe.image
    while isinstance(image, Resize):
        image = image.image
    return isinstance(image, Denoise | Redraw | Upscale)


def at_size(image: Image, side: int) -> Image:
    """A square picture as large as a model takes it."""
    match image:
        case Edges(image=below):
            return replace(image, image=at_size(below, side))
        case Drawn() | Pose():
            return replace(image, side=side)
        case Resize(image=below):
            return Resize(below, side, side)
    return Resize(image, side, side)


def fitting_spacing(sampler: SamplerName, spacing: Spacing) -> Spacing:
    """The spacing where the sampler knows it, else the sampler's first."""
    known = SPACINGS[sampler]
    return spacing if spacing in known else known[0]


def with_best_pag(
    terms: tuple[Guidance, ...], before: DenoiserInfo | None, info: DenoiserInfo
) -> tuple[Guidance, ...]:
    """The terms, with the perturbed attention that is best for a model in the place of that which
    was best for the one before; what was chosen otherwise stays."""
    then = 0.0 if before is None else before.best_pag
    pags = [term for term in terms if isinstance(term, PerturbedAttention)]
    if pags != ([PerturbedAttention(then)] if then else []):
        return terms
    others = tuple(term for term in terms if term not in pags)
    return (*others, PerturbedAttention(info.best_pag)) if info.best_pag else others


def _asked(conditioning: Conditioning) -> Classes | Texts:
    """The conditioning, where the page can show it. Raises RecipeError."""
    match conditioning:
        case Classes() | Texts():
            return conditioning
    raise RecipeError(
        f"Diffuse has no controls for what is asked for by {conditioning.op!r}.",
        "Render it from the command line.",
    )


def _shown(term: Guidance) -> Guidance:
    """The term, where it has a slider. Raises RecipeError."""
    match term:
        case Classifier() | ClipGuidance() | PictureGuidance() | Control():
            return term
        case PerturbedAttention() | Likeness() | TextDifference():
            return term
        case ClassifierFree(negative=Texts()):
            return term
        case ClassifierFree(negative=Classes(weights)) if len(weights) < 2:
            return term
    raise RecipeError(f"The guidance {term.op!r} has no slider here.")
