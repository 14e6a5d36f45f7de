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
from engine.latents import (
    MAX_NOISE_SEED,
    MAX_SEED,
    Arithmetic,
    Blend,
    Latent,
    Layer,
    Layers,
    Mix,
    Move,
    Psi,
    Seed,
    Seeds,
    Sha256,
    Space,
    Stored,
    Term,
    Truncate,
)
from engine.schema import Count, Node, Pattern, Range, Struct

__all__ = [
    "MAX_BYTES",
    "MAX_NOISE_SEED",
    "MAX_SEED",
    "Arithmetic",
    "Blend",
    "ClassWeight",
    "Computed",
    "Crop",
    "Generate",
    "Image",
    "Latent",
    "Layer",
    "Layers",
    "Mix",
    "ModelRef",
    "Move",
    "Noise",
    "NoiseMode",
    "Photo",
    "Psi",
    "Recipe",
    "Resize",
    "Seed",
    "Setting",
    "Sha256",
    "Space",
    "Stored",
    "Straighten",
    "Struct",
    "Term",
    "Transform",
    "Truncate",
    "Tuned",
    "rendered",
    "walk",
]

VERSION = 1
MAX_BYTES = 1_000_000

Side = Annotated[int, Range(1, 32768)]
Offset = Annotated[int, Range(0, 32767)]
Numbers = Annotated[tuple[float, ...], Count(1, 4096)]
NoiseMode = Literal["const", "random", "none"]


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

    mode: NoiseMode | Annotated[tuple[NoiseMode, ...], Count(2, 64)] = "const"
    seed: Seeds = 0
    strength: (
        Annotated[float, Range(0, 10)]
        | Annotated[tuple[Annotated[float, Range(0, 10)], ...], Count(1, 64)]
    ) = 1.0

    def validate(self) -> None:
        if isinstance(self.mode, tuple) and len(set(self.mode)) == 1:
            raise RecipeError(f"noise.mode says {self.mode[0]!r} for each layer.", "Say it once.")


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
class Transform(Image):
    """What a generator with a movable plane (StyleGAN3) makes, turned about its middle, then moved.

    x to the right and y downward, in widths of the picture; rotation in degrees, counterclockwise.
    """

    op: ClassVar[str] = "transform"
    image: Generate
    x: Annotated[float, Range(-4, 4)] = 0.0
    y: Annotated[float, Range(-4, 4)] = 0.0
    rotation: Annotated[float, Range(-180, 180)] = 0.0

    def validate(self) -> None:
        if self.x == self.y == self.rotation == 0:
            raise RecipeError("A transform that moves nothing stands here.", "Leave it out.")


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
class Straighten(Image):
    """A square of the image about (x, y), turned by degrees counterclockwise, set upright.

    In pixels; the centre lies in the image. Beyond the image the pixels at its edge go on.
    """

    op: ClassVar[str] = "straighten"
    image: Image
    x: Annotated[float, Range(0, 32768)]
    y: Annotated[float, Range(0, 32768)]
    side: Annotated[int, Range(1, 8192)]
    rotation: Annotated[float, Range(-180, 180)] = 0.0


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
class Setting(Struct):
    """One setting of a search, by its name: numbers, or text."""

    name: Annotated[str, Pattern("[a-z][a-z0-9_]{0,39}", "a short name in snake_case")]
    value: Annotated[str, Pattern(r"[^\x00-\x1f\x7f\ud800-\udfff]{0,200}", "a line")] | Numbers


@dataclass(frozen=True)
class Computed(Latent):
    """What a search found. Rendering takes the stored result; searching again is another act.

    search: how it was found. images, latents: what it was found from. result: float32 of a shape
    that Stored takes, in the space `kind`.
    """

    op: ClassVar[str] = "computed"
    search: Literal["invert", "encode", "drag", "average", "text", "flip"]
    result: Sha256
    kind: Literal["z", "w"]
    images: Annotated[tuple[Image, ...], Count(0, 16)] = ()
    latents: Annotated[tuple[Latent, ...], Count(0, 64)] = ()
    settings: Annotated[tuple[Setting, ...], Count(0, 64)] = ()

    @property
    def space(self) -> Space:
        return self.kind

    @property
    def stored(self) -> Stored:
        """The result without its history."""
        return Stored(self.result, self.kind)


@dataclass(frozen=True)
class Tuned(Image):
    """A Generate by weights that were tuned for one picture (pivotal tuning).

    delta: what is added to the weights; a safetensors file in the store, see editing.delta.
    """

    op: ClassVar[str] = "tuned"
    image: Generate
    delta: Sha256


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
        import engine.controlling  # it builds on denoising; the images of all join the family
        import engine.perturbing  # noqa: F401

        return cls(Image.read(data.get("image"), "image"))


def walk(node: Struct) -> Iterator[Struct]:
    """The node and everything below it, parents first."""
    yield node
    for name in node.__dataclass_fields__:  # type: ignore[attr-defined]
        value = getattr(node, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Struct):
                yield from walk(item)


def rendered(node: Struct) -> Iterator[Struct]:
    """As walk, without what a search was found from: only what a render computes."""
    yield node
    if isinstance(node, Computed):
        return
    for name in node.__dataclass_fields__:  # type: ignore[attr-defined]
        value = getattr(node, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Struct):
                yield from rendered(item)


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
