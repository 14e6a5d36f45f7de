"""What a search is asked for, and what it answers: directions, inversion, dragging, text; the tour.

Like those of `frame`, these values pass through the engine's door and hold no behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from engine.latents import Space
from engine.recipe import Recipe


@dataclass(frozen=True)
class Labelled:
    """A generated picture that the user marked as having more, or less, of something."""

    recipe: Recipe
    more: bool


NEUTRAL = "a face"
TextWay = Literal["optimise", "mapper", "direction"]
TEXT_WAYS: tuple[TextWay, ...] = ("optimise", "mapper", "direction")


@dataclass(frozen=True)
class ClipInfo:
    """A network that puts texts and pictures in one space. context: how many tokens a text has at
    most."""

    name: str
    title: str
    sha256: str
    context: int
    bundled: bool
    folder: Path


@dataclass(frozen=True)
class TextPair:
    """What a picture should show, and what it shows without that. clip: a ClipInfo's name, "" for
    the bundled one. threshold: how relevant a style channel must be, in [0, 1]."""

    text: str
    neutral: str = NEUTRAL
    clip: str = ""
    threshold: float = 0.15


@dataclass(frozen=True)
class DirectionWish:
    """Which directions are to be found, by one method.

    method: "sefa", "stylespace", "boundary", "labels", "activations" or "text". layers: w layers
    that SeFa factorises and that its directions move, None for all. count: how many are kept.
    attribute: of a boundary or of style channels; hold: attributes that a boundary leaves alone.
    region: left, top, right, bottom in shares of the picture, for style channels that change that
    place alone. space: z or w, of a boundary. marks: for "labels". name: for "labels" and "text".
    samples: pictures that are looked at.
    text: for "text".
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
    text: TextPair | None = None


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
class Alignment:
    """How a portrait lies in a picture: a square as of `Straighten`.

    spread_px: how far repeated looks disagree, of 64 px; sure: whether they agree, and see a head.
    """

    x: float
    y: float
    side: float
    rotation: float
    spread_px: float
    sure: bool


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
class TextWish:
    """A picture that is to become as a text says.

    way: "optimise" searches for this picture's latent, "mapper" trains a network for the text on
    the first use and then takes one pass, "direction" finds style channels. strength: how far, in
    deviations of random pictures along the text's change. steps: of the search, or of training.
    """

    recipe: Recipe
    pair: TextPair
    way: TextWay = "optimise"
    strength: float = 4.0
    steps: int = 0  # 0 for the way's own number


@dataclass(frozen=True)
class TextEdit:
    """What a text did. result: the stored latent; for "direction" the stored relevance of the
    style channels. reached: the share of the way asked for that CLIP sees. read: the text as far
    as CLIP read it, cut where it was too long. note: what else to know, in a line."""

    wish: TextWish
    result: str
    clip: ClipInfo
    reached: float
    read: str
    cut: bool = False
    note: str = ""


@dataclass(frozen=True)
class TourStop:
    """One stop of the guided tour: a page, a section of it ("export" is the export panel), a
    picture, and what is to be said. trial: one thing to try. experiment: the key of the Train
    page's experiment that begins, or ""."""

    key: str
    title: str
    page: str
    section: str
    text: str
    trial: str
    paper: str
    recipe: Recipe
    experiment: str = ""
