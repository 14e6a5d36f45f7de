"""The adversarial image of a Recipe, Perturb, and the plain values of the adversarial lab.

A network is asked one question at a time: an ImageNet network for the class, the attribute network
for one attribute, the watermark's reader for the mark.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import numpy as np
from jaxtyping import UInt8

from engine.errors import RecipeError
from engine.recipe import Image, ModelRef, Photo, Recipe, Resize, Sha256
from engine.schema import Count, Node, Pattern, Range

Steps = Annotated[int, Range(1, 200)]
QuestionName = Annotated[str, Pattern("[a-z][a-z0-9_]{0,39}", "a short name in snake_case")]
TransformName = Literal["resize", "jpeg", "rotation", "brightness"]
TRANSFORMS: tuple[TransformName, ...] = ("resize", "jpeg", "rotation", "brightness")
MARK_IDS = 2**40
MOST_EPSILON = 64.0
PHOTO_PX = 512


class Victim(Node):
    """Whose mind is to be changed."""


@dataclass(frozen=True)
class Network(Victim):
    """A network that reads pictures, by its name and the digest of its weights."""

    op: ClassVar[str] = "network"
    model: ModelRef


@dataclass(frozen=True)
class MarkReader(Victim):
    """The reader of this program's invisible mark."""

    op: ClassVar[str] = "mark_reader"


class Attack(Node):
    """How the picture is moved within its budget."""


@dataclass(frozen=True)
class FastGradient(Attack):
    """One step of the gradient's sign (Goodfellow et al., 2014)."""

    op: ClassVar[str] = "fast_gradient"


@dataclass(frozen=True)
class Iterated(Attack):
    """Small steps of the sign (Kurakin et al., 2016). momentum: what of the last direction is kept
    (Dong et al., 2018); 0 is none."""

    op: ClassVar[str] = "iterated"
    steps: Steps = 10
    momentum: Annotated[float, Range(0, 2)] = 0.0


@dataclass(frozen=True)
class Projected(Attack):
    """Steps from a random start, brought back into the ball of the norm (Madry et al., 2017)."""

    op: ClassVar[str] = "projected"
    norm: Literal["linf", "l2"] = "linf"
    steps: Steps = 10


@dataclass(frozen=True)
class Universal(Attack):
    """A pattern that was found for many pictures at once (Moosavi-Dezfooli et al., 2017).

    pattern: float32 [3, h, w] in [-1, 1] in the store, brought to the picture's size.
    """

    op: ClassVar[str] = "universal"
    pattern: Sha256


@dataclass(frozen=True)
class Perturb(Image):
    """The image moved by a little, so that a network answers otherwise.

    question: what the victim is asked. target: the answer that is wanted, by its number (of the
    mark's reader: the id); None is any but what it says now (of the mark's reader: no mark).
    epsilon: the budget in levels of 255, the largest change of a value, or for l2 the root of the
    mean square. transforms: what the change has to outlive, `draws` of each step (expectation over
    transformations, Athalye et al., 2018). seed: of random starts and draws.
    """

    op: ClassVar[str] = "perturb"
    image: Image
    victim: Victim
    attack: Attack
    epsilon: Annotated[float, Range(0, MOST_EPSILON)] = 8.0
    question: QuestionName = "class"
    target: Annotated[int, Range(0, MARK_IDS - 1)] | None = None
    transforms: Annotated[tuple[TransformName, ...], Count(0, 4)] = ()
    draws: Annotated[int, Range(1, 16)] = 4
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0

    def validate(self) -> None:
        if len(set(self.transforms)) < len(self.transforms):
            raise RecipeError("Perturb.transforms names one twice.", "Name each once.")
        if isinstance(self.attack, Universal) and (self.transforms or self.target is not None):
            raise RecipeError(
                "A universal pattern is added as it is: it takes no target and no transforms.",
                "Leave both out; they belong to the search for the pattern.",
            )


def photo_to_attack(photo: Photo, width: int, height: int) -> Image:
    """A photo at the size at which it is attacked: the longer side of an export, or less."""
    longer = max(width, height)
    if longer <= PHOTO_PX:
        return photo
    w, h = (max(1, round(side * PHOTO_PX / longer)) for side in (width, height))
    return Resize(photo, w, h)


@dataclass(frozen=True)
class Question:
    """What a network can be asked, and the answers that it knows, in their order."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class VictimInfo:
    """A network as the window and the command line know it.

    reads: "photographs", "portraits" or "marks". finds: whether it may be attacked; the judge only
    shows what transfers to it. missing: what is to be done to have it, "" where it is here.
    """

    key: str
    title: str
    victim: Victim
    questions: tuple[Question, ...]
    reads: str
    finds: bool = True
    missing: str = ""

    def question(self, name: str) -> Question | None:
        """The question of that name, where it can be asked."""
        return next((one for one in self.questions if one.name == name), None)


@dataclass(frozen=True)
class Answer:
    """One answer and its share of all, in [0, 1]."""

    value: str
    share: float


@dataclass(frozen=True, eq=False)
class Look:
    """What an attack did. before, after: the likeliest answers, first the likeliest.

    change: the perturbation about grey, times `gain`. largest, rms: of the change, in levels of
    255. reached: the wanted answer, or without a target any other one.
    """

    recipe: Recipe
    picture: UInt8[np.ndarray, "h w 3"] = field(repr=False)
    change: UInt8[np.ndarray, "h w 3"] = field(repr=False)
    result: UInt8[np.ndarray, "h w 3"] = field(repr=False)
    gain: int
    before: tuple[Answer, ...]
    after: tuple[Answer, ...]
    largest: int
    rms: float
    reached: bool


@dataclass(frozen=True)
class Transferred:
    """What another network says of both pictures. attacked: it is the one that was attacked."""

    title: str
    question: str
    before: Answer
    after: Answer
    attacked: bool = False

    @property
    def changed(self) -> bool:
        """Whether it answers otherwise."""
        return self.before.value != self.after.value


@dataclass(frozen=True, eq=False)
class Survived:
    """The attacked picture after one kind of damage. plain: what the network says of the picture
    that was not attacked after the same damage. holds: the attack still works."""

    damage: str
    pixels: UInt8[np.ndarray, "h w 3"] = field(repr=False)
    answer: Answer
    plain: Answer
    holds: bool


@dataclass(frozen=True, eq=False)
class Report:
    """The tables of an attack: other networks, and damage."""

    recipe: Recipe
    transfer: tuple[Transferred, ...]
    survival: tuple[Survived, ...]


@dataclass(frozen=True)
class FlipWish:
    """Which answer of the attribute network the smallest move in w shall change.

    recipe: a generated picture. target: the wanted answer of the question by its number.
    """

    recipe: Recipe
    question: str
    target: int


@dataclass(frozen=True)
class Flip:
    """What the search in w found.

    far: the length of the move in deviations of w. drift: the largest change of any other
    attribute, in shares of its range; drifted: which. before, after: of the attribute network;
    judged: what the judge says of both, which was never looked at on the way.
    """

    recipe: Recipe
    reached: bool
    far: float
    before: Answer
    after: Answer
    judged_before: Answer
    judged_after: Answer
    drift: float
    drifted: str
