"""The Path: a frozen value that a film depends on, as a picture depends on its Recipe.

Keys are Recipes with times; between them the latents are interpolated. Canonical form as Recipes
have it: RFC 8785, and its SHA-256 is the Path's name.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import rfc8785

from engine.errors import RecipeError
from engine.latents import Layers, Space
from engine.recipe import MAX_BYTES, Generate, Image, ModelRef, Tuned
from engine.schema import Count, Range, Struct

VERSION = 1
MAX_S = 3600
MAX_FRAMES = 20_000
Easing = Literal["linear", "smooth", "in", "out"]


@dataclass(frozen=True)
class Key(Struct):
    """A generated picture, and when it is reached, in seconds from the start."""

    image: Image
    time_s: Annotated[float, Range(0, MAX_S)]

    def validate(self) -> None:
        if not isinstance(self.image, Generate | Tuned):
            raise RecipeError(
                f"A key of a film is a generated picture, got {self.image.op!r}.",
                "Take a picture that a generator made.",
            )

    @property
    def made(self) -> Generate:
        """The Generate of the key."""
        found = self.image.image if isinstance(self.image, Tuned) else self.image
        assert isinstance(found, Generate)
        return found


@dataclass(frozen=True)
class Path(Struct):
    """A film.

    easing: how each part between two keys begins and ends. space: where latents are interpolated;
    z turns along great circles where both keys are in z. layers: those w layers that walk, the
    others keep the first key's; None for all. loop_s: seconds from the last key back to the first,
    0 for a film that ends. noise: "walking" draws other noise for every frame. warp: where on the
    way the film is at evenly spaced times, both from 0 to 1; () for the keys' own times.
    """

    keys: Annotated[tuple[Key, ...], Count(1, 200)]
    fps: Annotated[float, Range(1, 60)] = 25.0
    easing: Easing = "smooth"
    space: Space = "z"
    layers: Layers | None = None
    loop_s: Annotated[float, Range(0, 600)] = 0.0
    noise: Literal["locked", "walking"] = "locked"
    warp: Annotated[tuple[Annotated[float, Range(0, 1)], ...], Count(0, 4096)] = ()

    def validate(self) -> None:
        times = [key.time_s for key in self.keys]
        if times[0] != 0 or any(b <= a for a, b in itertools.pairwise(times)):
            raise RecipeError(
                "The keys of a film begin at 0 s and follow one another.", "Move a key."
            )
        if len({self._weights(key) for key in self.keys}) > 1:
            raise RecipeError(
                "The keys of a film are pictures of one model.", "Remove those of another model."
            )
        if self.layers is not None and self.space != "w":
            raise RecipeError("Only in w can a walk be kept to some layers.", "Choose w.")
        if any(b < a for a, b in zip(self.warp, self.warp[1:], strict=False)):
            raise RecipeError("The warp of a film never runs backwards.")
        if self.frames > MAX_FRAMES:
            raise RecipeError(
                f"A film may have {MAX_FRAMES} frames, got {self.frames}.", "Shorten it."
            )

    @staticmethod
    def _weights(key: Key) -> tuple[str, str]:
        delta = key.image.delta if isinstance(key.image, Tuned) else ""
        return key.made.model.sha256, delta

    @property
    def model(self) -> ModelRef:
        """The model that makes every frame."""
        return self.keys[0].made.model

    @property
    def duration_s(self) -> float:
        """From the first frame to the last, or once around."""
        return self.keys[-1].time_s + self.loop_s

    @property
    def frames(self) -> int:
        """How many frames there are; a loop does not show its first one twice."""
        count = round(self.duration_s * self.fps)
        return max(1, count if self.loop_s else count + 1)

    @cached_property
    def canonical(self) -> bytes:
        """The RFC 8785 form, UTF-8."""
        return rfc8785.dumps({"path": VERSION, **self.plain()})

    @cached_property
    def sha256(self) -> str:
        """The Path's name: SHA-256 of the canonical bytes, lower-case hex."""
        return hashlib.sha256(self.canonical).hexdigest()

    @classmethod
    def from_json(cls, text: str | bytes) -> Path:
        """Read a Path strictly. Raises RecipeError that names the field that is wrong."""
        if len(text) > MAX_BYTES:
            raise RecipeError(f"A film may have {MAX_BYTES} bytes, got {len(text)}.")
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecipeError(f"This is no film: {str(error)[:120]}.") from error
        if not isinstance(data, dict) or data.pop("path", None) != VERSION:
            raise RecipeError(f'This is no film: it does not say "path": {VERSION}.')
        return cls.read(data, "path")
