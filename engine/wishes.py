"""What a search is asked for, and what it answers: directions, inversion, dragging; the tour.

Like those of `frame`, these values pass through the engine's door and hold no behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from engine.latents import Space
from engine.recipe import Recipe


@dataclass(frozen=True)
class Labelled:
    """A generated picture that the user marked as having more, or less, of something."""

    recipe: Recipe
    more: bool


@dataclass(frozen=True)
class DirectionWish:
    """Which directions are to be found, by one method.

    method: "sefa", "stylespace", "boundary", "labels" or "activations". layers: w layers that SeFa
    factorises and that its directions move, None for all. count: how many are kept. attribute: of
    a boundary or of style channels; hold: attributes that a boundary leaves alone. region: left,
    top, right, bottom in shares of the picture, for style channels that change that place alone.
    space: z or w, of a boundary. marks, name: for "labels". samples: pictures that are looked at.
    """

    method: str
    layers: tuple[int, ...] | None = None
    count: int = 8
    attribute: str = ""
    hold: tuple[str, ...] = ()
    region: tuple[float, float, float, float] | None = None
    space: Space = "w"
    marks: tuple[Labelled, ...] = ()
    name: str = ""
    samples: int = 2000


@dataclass(frozen=True)
class InvertWish:
    """A picture whose latent is to be found.

    target: any image expression, such as a crop of a photo. steps: of the search with a w for each
    layer, after half as many in w; of w alone where not layers_apart; 0 for the encoder's one pass,
    where there is an encoder. It is where a search starts, too. perceptual: compares looks,
    not pixels alone. tune_steps: of pivotal tuning, 0 for none. resume, step: the stored latent of
    a search that was stopped, and where it was.
    """

    model: str
    target: Recipe
    steps: int = 250
    layers_apart: bool = True
    perceptual: bool = True
    tune_steps: int = 0
    resume: str = ""
    step: int = 0


@dataclass(frozen=True)
class Inversion:
    """What a search found. step of steps: fewer when it was stopped. result: the stored latent."""

    recipe: Recipe
    step: int
    steps: int
    psnr_db: float
    result: str

    @property
    def finished(self) -> bool:
        """Whether the search went to its end."""
        return self.step >= self.steps


Spots = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class DragWish:
    """Points of a picture and where they are to go: x, y in shares of the picture, 0 to 1.

    mask: discs x, y, radius of what may move; () for all of it. steps: at most.
    """

    recipe: Recipe
    handles: Spots
    targets: Spots
    mask: tuple[tuple[float, float, float], ...] = ()
    steps: int = 120


@dataclass(frozen=True)
class DragStep:
    """One step: the stored latent, and where the handles were."""

    result: str
    handles: Spots


@dataclass(frozen=True)
class Drag:
    """What a drag did. left_px: mean distance of the handles from their targets at its end."""

    wish: DragWish
    steps: tuple[DragStep, ...]
    left_px: float


@dataclass(frozen=True, eq=False)
class DragFrame:
    """A picture on the way of a drag, uint8 [r, r, 3], and where its handles are."""

    pixels: UInt8[np.ndarray, "r r 3"]
    handles: Spots
    step: int


@dataclass(frozen=True)
class TourStop:
    """One stop of the guided tour: a page, a section of it ("export" is the export panel), a
    picture, and what is to be said. trial: one thing to try."""

    key: str
    title: str
    page: str
    section: str
    text: str
    trial: str
    paper: str
    recipe: Recipe
