"""The diffusion images of a Recipe: Denoise, Redraw, Upscale, and what conditions and guides them.

Kinds of conditioning and of guidance are families of their own, so that texts, pictures and edit
instructions join beside the classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from engine.errors import RecipeError
from engine.recipe import MAX_NOISE_SEED, ClassWeight, Crop, Image, Latent, ModelRef, Resize, walk
from engine.schema import Count, Node, Pattern, Range, Struct

Fraction = Annotated[float, Range(0, 1)]
Scale = Annotated[float, Range(-50, 50)]
SamplerName = Literal[
    "ddpm", "ddim", "euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_2m_sde", "unipc", "lcm"
]
Spacing = Literal["leading", "trailing", "linspace", "karras", "exponential"]
_TIMES: tuple[Spacing, ...] = ("trailing", "leading", "linspace")
_SIGMAS: tuple[Spacing, ...] = (*_TIMES, "karras", "exponential")
SPACINGS: Mapping[SamplerName, tuple[Spacing, ...]] = {
    "ddpm": _TIMES,
    "ddim": _TIMES,
    "euler": _SIGMAS,
    "euler_ancestral": _TIMES,
    "heun": _SIGMAS,
    "dpmpp_2m": _SIGMAS,
    "dpmpp_2m_sde": _SIGMAS,
    "unipc": _SIGMAS,
    "lcm": ("leading",),
}
Thresholding = Literal["none", "static", "dynamic"]
NoiseSeed = Annotated[int, Range(0, MAX_NOISE_SEED)]
Steps = Annotated[int, Range(1, 1000)]
Line = Annotated[str, Pattern(r"[^\x00-\x1f\x7f\ud800-\udfff]{0,400}", "a line of 400 letters")]


class Conditioning(Node):
    """What a diffusion model is told about the picture."""


@dataclass(frozen=True)
class Classes(Conditioning):
    """Classes of the model and their shares; none is whatever the model has seen."""

    op: ClassVar[str] = "classes"
    weights: Annotated[tuple[ClassWeight, ...], Count(0, 16)] = ()


@dataclass(frozen=True)
class TextWeight(Struct):
    """One text and its share in a blend of texts."""

    text: Line
    weight: Annotated[float, Range(-2, 3)] = 1.0


@dataclass(frozen=True)
class Texts(Conditioning):
    """Texts for a model that reads them, and their shares; none is the empty text."""

    op: ClassVar[str] = "texts"
    weights: Annotated[tuple[TextWeight, ...], Count(0, 8)] = ()


class Guidance(Node):
    """One term of the guidance, at work from the fraction `start` of the steps to `end`."""

    scale: Scale
    start: Fraction
    end: Fraction


@dataclass(frozen=True)
class ClassifierFree(Guidance):
    """Toward the conditioning and away from `negative` (Ho and Salimans, 2022). scale 1 leaves
    the conditioning as it is, 0 gives `negative`."""

    op: ClassVar[str] = "classifier_free"
    scale: Scale
    negative: Conditioning = Classes()
    start: Fraction = 0.0
    end: Fraction = 1.0


@dataclass(frozen=True)
class Classifier(Guidance):
    """Toward a class of a noise-aware classifier (Dhariwal and Nichol, 2021); scale 0 is off."""

    op: ClassVar[str] = "classifier"
    model: ModelRef
    index: Annotated[int, Range(0, 65535)]
    scale: Scale
    start: Fraction = 0.0
    end: Fraction = 1.0


@dataclass(frozen=True)
class ClipGuidance(Guidance):
    """Toward a text, and away from another, by a CLIP (Nichol et al., 2021, section 2.4).

    model: the CLIP that reads the texts. eyes: a noise-aware picture tower that shares its space;
    None for its own, which sees clean pictures only: it is shown the predicted picture, and the
    gradient goes through the U-Net. away: "" for nothing. scale: of the CLIP's
    own logits; 0 is off.
    """

    op: ClassVar[str] = "clip"
    model: ModelRef
    text: Line
    scale: Scale
    away: Line = ""
    eyes: ModelRef | None = None
    start: Fraction = 0.0
    end: Fraction = 1.0

    def validate(self) -> None:
        if not self.text.strip():
            raise RecipeError("CLIP guidance needs a text, got none.", "Write what to show.")


@dataclass(frozen=True)
class PictureGuidance(Guidance):
    """Toward the picture that a model of edit instructions is shown (Brooks et al., 2023); scale 1
    leaves the conditioning as it is."""

    op: ClassVar[str] = "picture"
    scale: Scale
    start: Fraction = 0.0
    end: Fraction = 1.0


@dataclass(frozen=True)
class PerturbedAttention(Guidance):
    """Away from what the model draws while the places of its picture see nothing but themselves
    (Ahn et al., 2024): clearer parts, fewer kinds of pictures; scale 0 is off."""

    op: ClassVar[str] = "perturbed_attention"
    scale: Scale = 1.0
    start: Fraction = 0.0
    end: Fraction = 1.0


@dataclass(frozen=True)
class Denoise(Image):
    """What a diffusion model makes of noise.

    noise: in z; seeds are drawn by torch's CPU generator. eta: the noise that DDIM adds, from 0
    for none to 1 for DDPM's. percentile: of dynamic thresholding; so much of a drawn portrait is
    not at the ends of its range. rescale: how far the spread of the guided prediction is brought
    back. noise_seed: what random samplers add on the way.
    """

    op: ClassVar[str] = "denoise"
    model: ModelRef
    noise: Latent
    conditioning: Conditioning = Classes()
    guidance: Annotated[tuple[Guidance, ...], Count(0, 8)] = ()
    sampler: SamplerName = "dpmpp_2m"
    steps: Steps = 25
    spacing: Spacing = "trailing"
    eta: Fraction = 0.0
    threshold: Thresholding = "static"
    percentile: Annotated[float, Range(0.5, 1)] = 0.994
    rescale: Fraction = 0.0
    noise_seed: NoiseSeed = 0

    def validate(self) -> None:
        _check_noise(self.noise)
        _check_spacing(self.sampler, self.spacing)
        if self.eta and self.sampler != "ddim":
            raise RecipeError(
                f"eta is for the sampler ddim, got {self.eta:g} for {self.sampler}.",
                "Set eta to 0, or choose ddim.",
            )


@dataclass(frozen=True)
class Dab(Struct):
    """A disc of a painted mask: middle and radius in shares of the side."""

    x: Annotated[float, Range(-1, 2)]
    y: Annotated[float, Range(-1, 2)]
    radius: Annotated[float, Range(0, 2)]


@dataclass(frozen=True)
class Redraw(Image):
    """A picture drawn anew: noise is added to it, and `made` takes it away again (SDEdit; Meng et
    al., 2022).

    image: of the size that the model makes. strength: the share of `made`'s steps that are gone
    through; 0 leaves the image as the model can show it, at 1 little but chance is left of it.
    only: discs that are drawn anew, while all around them stays to the last bit; () for the whole.
    """

    op: ClassVar[str] = "redraw"
    image: Image
    made: Denoise
    strength: Fraction = 0.6
    only: Annotated[tuple[Dab, ...], Count(0, 600)] = ()


def square_of(image: Image, width: int, height: int, side: int) -> Image:
    """The middle square of a picture of that size, as large as a model draws."""
    short = min(width, height)
    if width != height:
        image = Crop(image, (width - short) // 2, (height - short) // 2, short, short)
    return image if short == side else Resize(image, side, side)


@dataclass(frozen=True)
class Upscale(Image):
    """The next stage of a cascade (Ho et al., 2021): the image at twice its size.

    level: how much noise is added to what is enlarged, from 0 for none to 1 for the most that the
    model knows; more lets it invent more. steps: the bundled upsampler is at its best in one, for
    most of the picture is known.
    """

    op: ClassVar[str] = "upscale"
    image: Image
    model: ModelRef
    noise: Latent
    level: Fraction = 0.1
    sampler: SamplerName = "dpmpp_2m"
    steps: Steps = 1
    spacing: Spacing = "trailing"
    noise_seed: NoiseSeed = 0

    def validate(self) -> None:
        _check_noise(self.noise)
        _check_spacing(self.sampler, self.spacing)


def _check_noise(noise: Latent) -> None:
    """A model's noise is a z of seeds; what needs a mapping network or a direction is none."""
    if any(isinstance(node, Latent) and node.space != "z" for node in walk(noise)):
        raise RecipeError(
            f"The noise of a diffusion model is a latent in z, got {noise.op!r}.",
            "Use seeds, blends of seeds and their arithmetic.",
        )


def _check_spacing(sampler: SamplerName, spacing: Spacing) -> None:
    if spacing not in SPACINGS[sampler]:
        raise RecipeError(
            f"The sampler {sampler} knows the spacings {', '.join(SPACINGS[sampler])}, "
            f"got {spacing}.",
            f"Choose {SPACINGS[sampler][0]}.",
        )


@dataclass(frozen=True)
class DenoiserInfo:
    """A diffusion model as the window and the command line know it.

    classes: their names, in order. upsamples: it enlarges pictures twofold instead of making them;
    resolution is that of what it makes. lcm: whether the LCM sampler was distilled into it. clip:
    the digest of the CLIP through which it reads texts, "" where it reads none or with an encoder
    of its own. latent: it makes codes, which its decoder turns into pixels. distilled: guidance
    toward the text was distilled into it, and its scale is an input (Meng et al., 2023). shown:
    what it sees of the picture that it draws anew: the "picture", what is left when what it draws
    is "masked", the "small" one that it enlarges, or one that its own is to be "like"; "" for
    nothing. source_px: the side of that picture; 0 for that of what it makes. scored: it is told
    how beautiful its picture is. free: it was taught without a class, too. thinks: it thinks of the
    picture for itself where it is shown none. usual_pag: the scale of perturbed-attention guidance
    that suits it; 0 where it knows none.
    """

    name: str
    title: str
    sha256: str
    resolution: int
    classes: tuple[str, ...]
    upsamples: bool
    lcm: bool
    bundled: bool
    folder: Path
    card: Mapping[str, Any] = field(default_factory=dict, compare=False)
    clip: str = ""
    latent: bool = False
    own_encoder: bool = False
    distilled: bool = False
    shown: Literal["", "picture", "masked", "small", "like"] = ""
    source_px: int = 0
    scored: bool = False
    free: bool = True
    thinks: bool = False
    usual_pag: float = 0.0

    @classmethod
    def of_card(
        cls,
        folder: Path,
        card: Mapping[str, Any],
        bundled: bool,
        resolution: int,
        classes: tuple[str, ...] = (),
        upsamples: bool = False,
        lcm: bool = False,
        **more: Any,
    ) -> DenoiserInfo:
        """What every card says in the same way, and what its family found. more: further fields."""
        return cls(
            card["name"], card["title"], card["weights_sha256"], resolution, classes, upsamples,
            lcm, bundled, folder, card, **more,
        )  # fmt: skip

    @property
    def best_pag(self) -> float:
        """The scale of perturbed-attention guidance at which `evaluate` found its pictures nearest
        to drawn ones; 0 where nothing was measured, or without it they are nearer."""
        scores = self.card.get("scores")
        quality = scores.get("quality") if isinstance(scores, Mapping) else None
        found = quality.get("pag") if isinstance(quality, Mapping) else None
        if not self.usual_pag or not isinstance(found, float) or not 0 <= found <= 50:
            return 0.0
        return found

    @property
    def begins_px(self) -> int:
        """The side of a picture that it draws anew."""
        return self.source_px or self.resolution

    @property
    def usual_strength(self) -> float:
        """How much of a picture is drawn anew: all of what it sees anyway."""
        return 1.0 if self.shown else 0.6

    @property
    def reads(self) -> bool:
        """Whether it reads texts: through a CLIP, or through an encoder of its own."""
        return self.own_encoder or bool(self.clip)
