"""Latent expressions: what a generator makes its picture of.

Three spaces follow one another: z, which the mapping network takes; w, one vector for each layer
(ws, w+); s, the styles that the layers' affine maps make of ws (StyleSpace; Wu et al., 2021). An
expression may hold parts of its own space and of those before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from engine.errors import RecipeError
from engine.schema import Count, Node, Pattern, Range, Struct

MAX_SEED = 2**32 - 1  # of a GAN's z
MAX_NOISE_SEED = 2**53 - 1  # of a diffusion model's noise; RFC 8785 goes no further

Sha256 = Annotated[str, Pattern("[0-9a-f]{64}", "a SHA-256 in lower-case hex")]
Seeds = Annotated[int, Range(0, MAX_SEED)]
Layer = Annotated[int, Range(0, 63)]
Layers = Annotated[tuple[Layer, ...], Count(1, 64)]
Psi = Annotated[float, Range(-2, 2)]
Space = Literal["z", "w", "s"]
SPACES: tuple[Space, ...] = ("z", "w", "s")


class Latent(Node):
    """A latent expression: a z, a w or one w per layer (ws)."""

    @property
    def space(self) -> Space:
        """Whether the expression is a z, lives in w, or in the space of styles."""
        return "w"


def fits(inner: Latent, kind: Space) -> bool:
    """Whether an expression can be worked out in a space: its own, or a later one."""
    return SPACES.index(inner.space) <= SPACES.index(kind)


def check_inside(kind: Space, *parts: Latent) -> None:
    """Raise RecipeError when a part lives in a later space than the whole."""
    for part in parts:
        if not fits(part, kind):
            raise RecipeError(f"What is worked out in {kind} takes no latent in {part.space}.")


@dataclass(frozen=True)
class Seed(Latent):
    """Noise by number. For a GAN's z numpy.random.RandomState(n).randn(1, z_dim), NVIDIA's
    convention; for a diffusion model torch's CPU generator, as in diffusers."""

    op: ClassVar[str] = "seed"
    n: Annotated[int, Range(0, MAX_NOISE_SEED)]

    @property
    def space(self) -> Space:
        return "z"


@dataclass(frozen=True)
class Stored(Latent):
    """A vector kept in the store: float32 [z_dim], [w_dim], [num_ws, w_dim] or [styles]."""

    op: ClassVar[str] = "stored"
    sha256: Sha256
    kind: Space

    @property
    def space(self) -> Space:
        return self.kind


@dataclass(frozen=True)
class Blend(Latent):
    """Between a (t = 0) and b (t = 1); t may pass the ends. slerp is for z, linear for all."""

    op: ClassVar[str] = "blend"
    a: Latent
    b: Latent
    t: Annotated[float, Range(-2, 3)]
    kind: Space
    curve: Literal["linear", "slerp"]

    @property
    def space(self) -> Space:
        return self.kind

    def validate(self) -> None:
        if self.kind == "z" and "w" in (self.a.space, self.b.space):
            raise RecipeError("A blend in z needs two latents in z, got one in w.")
        check_inside(self.kind, self.a, self.b)
        if self.kind != "z" and self.curve == "slerp":
            raise RecipeError(
                f"slerp is for z, got a blend in {self.kind}.", "Use the linear curve in w."
            )


@dataclass(frozen=True)
class Term(Struct):
    """weight times the average of the exemplars."""

    weight: Annotated[float, Range(-10, 10)]
    exemplars: Annotated[tuple[Latent, ...], Count(1, 64)]


@dataclass(frozen=True)
class Arithmetic(Latent):
    """The sum of weighted averages, such as A - B + C."""

    op: ClassVar[str] = "arithmetic"
    terms: Annotated[tuple[Term, ...], Count(1, 16)]
    kind: Space

    @property
    def space(self) -> Space:
        return self.kind

    def validate(self) -> None:
        inner = [x for term in self.terms for x in term.exemplars]
        if self.kind == "z" and "w" in (x.space for x in inner):
            raise RecipeError("Arithmetic in z needs latents in z, got one in w.")
        check_inside(self.kind, *inner)


@dataclass(frozen=True)
class Mix(Latent):
    """Style mixing: base's ws, with the named layers taken from source by `amount`."""

    op: ClassVar[str] = "mix"
    base: Latent
    source: Latent
    layers: Layers
    amount: Annotated[float, Range(-2, 3)] = 1.0

    def validate(self) -> None:
        check_inside("w", self.base, self.source)


@dataclass(frozen=True)
class Move(Latent):
    """base plus strength standard deviations along a stored direction, on all or some layers.

    kind says the space of the direction; only one in w can be kept to some layers.
    """

    op: ClassVar[str] = "move"
    base: Latent
    direction: Sha256
    strength: Annotated[float, Range(-50, 50)]
    layers: Layers | None = None
    kind: Space = "w"

    @property
    def space(self) -> Space:
        return self.kind

    def validate(self) -> None:
        if self.kind == "z" and (self.base.space == "w" or self.layers is not None):
            raise RecipeError("A move in z needs a base in z and no layers.")
        if self.kind == "s" and self.layers is not None:
            raise RecipeError("A move in s takes no layers: its direction names channels.")
        check_inside(self.kind, self.base)


@dataclass(frozen=True)
class Truncate(Latent):
    """Pull ws toward w_avg: psi 1 leaves them, 0 gives the average; one psi, or one per layer."""

    op: ClassVar[str] = "truncate"
    base: Latent
    psi: Psi | Annotated[tuple[Psi, ...], Count(1, 64)]
    cutoff: Layer | None = None

    def validate(self) -> None:
        if isinstance(self.psi, tuple) and self.cutoff is not None:
            raise RecipeError("A psi for each layer leaves no place for a cutoff.")
        check_inside("w", self.base)
