"""The Recipe: a frozen, hashable value that a picture depends on, and on nothing else.

A Recipe is an image expression; its leaves are latents and photos. New kinds of expression join
by a new Node class with an `op` of its own. Canonical bytes follow RFC 8785; their SHA-256 is the
Recipe's name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, NoReturn

import rfc8785

from engine.errors import RecipeError
from engine.schema import Count, Node, Pattern, Range, Struct

VERSION = 1
MAX_BYTES = 1_000_000
MAX_SEED = 2**32 - 1  # of a GAN's z
MAX_NOISE_SEED = 2**53 - 1  # of a diffusion model's noise; RFC 8785 goes no further

Sha256 = Annotated[str, Pattern("[0-9a-f]{64}", "a SHA-256 in lower-case hex")]
Seeds = Annotated[int, Range(0, MAX_SEED)]
Layer = Annotated[int, Range(0, 63)]
Layers = Annotated[tuple[Layer, ...], Count(1, 64)]
Psi = Annotated[float, Range(-2, 2)]
Unit = Annotated[float, Range(0, 1)]
Side = Annotated[int, Range(1, 32768)]
Offset = Annotated[int, Range(0, 32767)]
Space = Literal["z", "w"]


class Latent(Node):
    """A latent expression: a z, a w or one w per layer (ws)."""

    @property
    def space(self) -> Space:
        """Whether the expression is a z that the mapping network takes, or lives in w."""
        return "w"


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
    """A vector kept in the store: float32 [z_dim], [w_dim] or [num_ws, w_dim]."""

    op: ClassVar[str] = "stored"
    sha256: Sha256
    kind: Space

    @property
    def space(self) -> Space:
        return self.kind


@dataclass(frozen=True)
class Blend(Latent):
    """Between a (t = 0) and b (t = 1); t may pass the ends. slerp is for z, linear for w."""

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
        if self.kind == "w" and self.curve == "slerp":
            raise RecipeError("slerp is for z, got a blend in w.", "Use the linear curve in w.")


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
        inner = (x.space for term in self.terms for x in term.exemplars)
        if self.kind == "z" and "w" in inner:
            raise RecipeError("Arithmetic in z needs latents in z, got one in w.")


@dataclass(frozen=True)
class Mix(Latent):
    """Style mixing: base's ws, with the named layers taken from source by `amount`."""

    op: ClassVar[str] = "mix"
    base: Latent
    source: Latent
    layers: Layers
    amount: Annotated[float, Range(-2, 3)] = 1.0


@dataclass(frozen=True)
class Move(Latent):
    """base plus strength standard deviations along a stored direction, on all or some layers."""

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


@dataclass(frozen=True)
class ModelRef(Struct):
    """A model by name and by the digest of its weights; the digest decides."""

    name: Annotated[
        str, Pattern(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,128}", "1 to 128 printable characters")
    ]
    sha256: Sha256


@dataclass(frozen=True)
class ClassWeight(Struct):
    """One class of a conditional model and its share in a blend of classes."""

    index: Annotated[int, Range(0, 65535)]
    weight: Annotated[float, Range(-2, 3)] = 1.0


@dataclass(frozen=True)
class Noise(Struct):
    """The per-layer noise: the model's own, fresh from a seed, or none; scaled by strength."""

    mode: Literal["const", "random", "none"] = "const"
    seed: Seeds = 0
    strength: (
        Annotated[float, Range(0, 10)]
        | Annotated[tuple[Annotated[float, Range(0, 10)], ...], Count(1, 64)]
    ) = 1.0


class Image(Node):
    """An image expression."""


@dataclass(frozen=True)
class Generate(Image):
    """What a GAN makes of a latent."""

    op: ClassVar[str] = "generate"
    model: ModelRef
    latent: Latent
    classes: Annotated[tuple[ClassWeight, ...], Count(0, 16)] = ()
    noise: Noise = Noise()

    def validate(self) -> None:
        large = [s.n for s in walk(self.latent) if isinstance(s, Seed) and s.n > MAX_SEED]
        if large:
            raise RecipeError(
                f"The seed of a generator's latent must lie in [0, {MAX_SEED}], got {large[0]}.",
                f"Give a value from 0 to {MAX_SEED}.",
            )


@dataclass(frozen=True)
class Photo(Image):
    """A picture from outside, kept in the store."""

    op: ClassVar[str] = "photo"
    sha256: Sha256


@dataclass(frozen=True)
class Crop(Image):
    """A rectangle of the image, in its pixels."""

    op: ClassVar[str] = "crop"
    image: Image
    left: Offset
    top: Offset
    width: Side
    height: Side


@dataclass(frozen=True)
class Resize(Image):
    """The image at another size, in pixels."""

    op: ClassVar[str] = "resize"
    image: Image
    width: Side
    height: Side
    filter: Literal["lanczos", "bicubic", "nearest"] = "lanczos"

    def validate(self) -> None:
        if self.width * self.height > 64_000_000:
            raise RecipeError(
                f"A picture may have 64 million pixels, got {self.width} x {self.height}."
            )


@dataclass(frozen=True)
class Recipe:
    """One picture. Equal Recipes are equal pictures on the same backend."""

    image: Image

    @cached_property
    def canonical(self) -> bytes:
        """The RFC 8785 form, UTF-8."""
        return rfc8785.dumps({"recipe": VERSION, "image": self.image.plain()})

    @cached_property
    def sha256(self) -> str:
        """The Recipe's name: SHA-256 of the canonical bytes, lower-case hex."""
        return hashlib.sha256(self.canonical).hexdigest()

    def text(self) -> str:
        """The Recipe for people to copy and paste: indented JSON with the same content."""
        return json.dumps(json.loads(self.canonical), indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Recipe:
        """Read a Recipe strictly. Raises RecipeError that names the field that is wrong."""
        if len(text) > MAX_BYTES:
            raise RecipeError(f"A Recipe may have {MAX_BYTES} bytes, got {len(text)}.")
        try:
            data = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise RecipeError(
                f"This is not a Recipe: {str(error)[:120]}.", "Paste the whole text of a Recipe."
            ) from error
        return cls.from_plain(data)

    @classmethod
    def from_plain(cls, data: Any) -> Recipe:
        """Read a Recipe from parsed JSON data, as strictly as from_json."""
        if not isinstance(data, dict) or data.get("recipe") != VERSION:
            raise _no_recipe(data)
        unknown = sorted(set(data) - {"recipe", "image"})
        if unknown:
            raise RecipeError(f"recipe has an unknown field {unknown[0][:40]!r}.")
        import engine.denoising  # noqa: F401  (its images join the family; it builds on this file)

        return cls(Image.read(data.get("image"), "image"))


def walk(node: Struct) -> Iterator[Struct]:
    """The node and everything below it, parents first."""
    yield node
    for name in node.__dataclass_fields__:  # type: ignore[attr-defined]
        value = getattr(node, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Struct):
                yield from walk(item)


def _no_recipe(data: Any) -> RecipeError:
    if not isinstance(data, dict) or "recipe" not in data:
        return RecipeError(
            f'This is not a Recipe: it does not say "recipe": {VERSION}.',
            "Paste the whole text of a Recipe.",
        )
    return RecipeError(
        f'A Recipe says "recipe": {VERSION}, got {str(data["recipe"])[:40]!r}.',
        "A newer version of the program may be able to read it.",
    )


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a field stands twice")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number here")
