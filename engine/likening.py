"""What pulls a variation of a picture elsewhere: toward another picture, or along the difference of
two texts (Ramesh et al., 2022, sections 3.2 and 3.3). For models that draw a picture like another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.denoising import Denoise, Fraction, Guidance, Line
from engine.errors import RecipeError
from engine.recipe import Image, ModelRef


@dataclass(frozen=True)
class Likeness(Guidance):
    """Part of the way from what a CLIP says of the picture to what it says of another.

    image: square. scale: the share of the way, on a great circle; 0 is off.
    """

    op: ClassVar[str] = "likeness"
    image: Image
    scale: Fraction = 0.5
    start: Fraction = 0.0
    end: Fraction = 1.0


@dataclass(frozen=True)
class TextDifference(Guidance):
    """Part of the way from what a CLIP says of the picture to where the way from one text to
    another leads.

    model: the CLIP whose picture tower the model looks through. scale: the share of the way, on a
    great circle; 0.25 to 0.5 as published; 0 is off.
    """

    op: ClassVar[str] = "text_difference"
    model: ModelRef
    text: Line
    away: Line
    scale: Fraction = 0.35
    start: Fraction = 0.0
    end: Fraction = 1.0

    def validate(self) -> None:
        if not self.text.strip() or not self.away.strip():
            raise RecipeError(
                "A difference of texts needs both, such as a face and a face with glasses.",
                "Write what it is now, and what it should become.",
            )


def likenesses_of(node: Denoise) -> tuple[Likeness, ...]:
    """The other pictures of a variation, in their order; those of scale 0 are left out."""
    return tuple(term for term in node.guidance if isinstance(term, Likeness) and term.scale)
