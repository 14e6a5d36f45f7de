"""What a network of the loop is told of a picture, hashable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.models.diffusion.text_blends import Weights


@dataclass(frozen=True)
class Told:
    """More than classes or texts alone.

    guidance: the scale that a network with guidance distilled into it takes (Meng et al., 2023); 1
    leaves the condition as it is. picture: whether the picture of the run is shown, to a model that
    sees one. away: it is moved away from, and called ugly to a model that is told of beauty.
    """

    weights: Weights
    guidance: float = 1.0
    picture: bool = True
    away: bool = False


Condition = Weights | Told


def as_told(conditions: Sequence[Condition]) -> list[Told]:
    """Each with everything that may be said."""
    return [one if isinstance(one, Told) else Told(one) for one in conditions]
