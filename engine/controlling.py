"""What a ControlNet follows: the guidance Control, and pictures made for it: Edges, Drawn, Pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from engine.denoising import Dab, Denoise, Fraction, Guidance, Scale
from engine.errors import RecipeError
from engine.recipe import Image, ModelRef
from engine.schema import Count, Range

MOST_SCALE = 3.0
MOST_DABS = 3000
Turn = Annotated[float, Range(-1, 1)]
Follows = Literal["", "edges", "pose"]
Level = Annotated[float, Range(0, 2040)]  # Sobel's slope of bytes: 8 x 255 at most


@dataclass(frozen=True)
class Control(Guidance):
    """A ControlNet beside the model, which follows a picture (Zhang et al., 2023).

    image: of the size that the model makes, drawn as the ControlNet was taught: edges, depth, ...
    scale: what its answers count; 0 is off. guidance: how far to go away from what would be drawn
    without any ControlNet; 1 leaves it.
    """

    op: ClassVar[str] = "control"
    model: ModelRef
    image: Image
    scale: Annotated[float, Range(0, MOST_SCALE)] = 1.0
    start: Fraction = 0.0
    end: Fraction = 1.0
    guidance: Scale = 1.0


@dataclass(frozen=True)
class Edges(Image):
    """The edges of the image in white on black (Canny, 1986).

    low, high: slopes between and above which something is an edge; see image.edges.
    """

    op: ClassVar[str] = "edges"
    image: Image
    low: Level = 100.0
    high: Level = 200.0

    def validate(self) -> None:
        if self.low > self.high:
            raise RecipeError(
                f"The lower slope of an edge is {self.low:g}, above the upper, {self.high:g}.",
                "Lower the first, or raise the second.",
            )


@dataclass(frozen=True)
class Drawn(Image):
    """Lines by hand: white dabs of a brush on black, in a square of `side` pixels."""

    op: ClassVar[str] = "drawn"
    side: Annotated[int, Range(1, 4096)]
    dabs: Annotated[tuple[Dab, ...], Count(0, MOST_DABS)] = ()


@dataclass(frozen=True)
class Pose(Image):
    """A bare head that is turned, in colours that tell where on it each pixel lies; see
    image.heads. yaw, pitch, tilt: as the attributes of Portraits."""

    op: ClassVar[str] = "pose"
    side: Annotated[int, Range(1, 4096)]
    yaw: Turn = 0.0
    pitch: Turn = 0.0
    tilt: Turn = 0.0


@dataclass(frozen=True)
class ControlInfo:
    """A ControlNet as the window and the command line know it. What it fits is in its card.
    follows: what it was taught to follow, "" where that is not known."""

    name: str
    title: str
    sha256: str
    bundled: bool
    folder: Path
    card: Mapping[str, Any] = field(default_factory=dict, compare=False)
    follows: Follows = ""


def controls_of(node: Denoise) -> tuple[Control, ...]:
    """The controls of a diffusion picture, in their order; those of scale 0 do nothing and are
    left out."""
    return tuple(term for term in node.guidance if isinstance(term, Control) and term.scale)
