"""What passes between a training lab and those who watch it: plain values, no behaviour.

A Course says what one lane of the lab shows: a spec from its first step on, or a branch that
leaves another course at a step and goes on with a spec of its own. What a course is at a step
follows from the course alone, so undo is the previous course.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from jaxtyping import Float32

from engine.denoising import SamplerName, Spacing
from engine.schema import Range, Struct
from engine.training_spec import TrainingSpec

DEFAULT = TrainingSpec()
SPAN = 1.5  # the lab shows the plane from -SPAN to SPAN each way
Points = Float32[np.ndarray, "n 2"]


@dataclass(frozen=True)
class Course(Struct):
    """A spec, and where it left another course: at step `at` of `parent`, or at its beginning."""

    spec: TrainingSpec = DEFAULT
    parent: Course | None = None
    at: Annotated[int, Range(0, 10_000_000)] = 0

    @property
    def depth(self) -> int:
        """How many branches led here."""
        return 0 if self.parent is None else self.parent.depth + 1

    def branch(self, at: int) -> Course:
        """The course that leaves this one at a step, as yet with the same spec."""
        return Course(self.spec, self, at)

    def told(self, spec: TrainingSpec) -> Course:
        """The course with another spec."""
        return replace(self, spec=spec)


@dataclass(frozen=True)
class Sampling(Struct):
    """How a 2-D diffusion model is looked at.

    label: the class asked for, None for none. guidance: classifier-free scale, 1 for the class
    alone. classifier: scale of the noise-aware classifier's gradient, 0 for none. time: of the
    score field that is drawn, from 0 (data) to 1 (noise). place: where on the way of the samples,
    from 0 (noise) to 1 (samples). forward: real points being noised instead of samples.
    """

    sampler: SamplerName = "ddim"
    steps: Annotated[int, Range(1, 100)] = 20
    spacing: Spacing = "trailing"
    eta: Annotated[float, Range(0.0, 1.0)] = 0.0
    label: Annotated[int, Range(0, 63)] | None = None
    guidance: Annotated[float, Range(0.0, 10.0)] = 1.0
    classifier: Annotated[float, Range(0.0, 20.0)] = 0.0
    place: Annotated[float, Range(0.0, 1.0)] = 1.0
    forward: bool = False


@dataclass(frozen=True)
class LabWish:
    """What the lab shall do from now on; the newest wish counts.

    courses: one lane, or two that run step by step together. pace: steps in one update of the
    view, as far as time allows. jump: serial number of a wish to be at a step, and the step; one
    that was obeyed is not obeyed again.
    """

    courses: tuple[Course, ...]
    running: bool = False
    pace: int = 5
    jump: tuple[int, int] = (0, 0)
    sampling: Sampling = Sampling()


@dataclass(frozen=True, eq=False)
class Curves:
    """What was measured on the way; all arrays have one length. slope: of the generator."""

    steps: np.ndarray
    loss_d: np.ndarray
    loss_g: np.ndarray
    slope: np.ndarray
    covered: np.ndarray
    good: np.ndarray


@dataclass(frozen=True, eq=False)
class LaneView:
    """One lane at one moment.

    heat [h, w]: the discriminator's value over the plane, row 0 at the top (y = SPAN); for
    diffusion the logarithm of the score's length. arrows: where [k, 2] and how far [k, 2] made
    points are pushed. covered of modes; good: share of samples near the data. trails [s, m, 2]:
    the way of some samples through the sampler. problem: why the lane stands still, or "".
    """

    course: Course
    step: int
    real: Points
    made: Points
    heat: Float32[np.ndarray, "h w"]
    arrows: tuple[Points, Points]
    covered: int
    modes: int
    good: float
    curves: Curves
    classes: int = 1
    trails: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 2), np.float32))
    problem: str = ""


@dataclass(frozen=True, eq=False)
class LabView:
    """All lanes. moving: whether it runs or is on its way to a step. checkpoints: the steps that
    can be reached at once. jump: the serial number obeyed last."""

    lanes: tuple[LaneView, ...]
    step: int
    running: bool
    moving: bool
    steps_per_s: float
    checkpoints: tuple[int, ...]
    jump: int


@dataclass(frozen=True)
class Preset:
    """A prepared experiment. about: what to see and why. mends: the key of the preset whose
    failure this one mends, or ""."""

    key: str
    title: str
    about: str
    spec: TrainingSpec
    mends: str = ""
    source: str = ""


@dataclass(frozen=True, eq=False)
class PictureView:
    """A run on pictures at one moment.

    stage: "reading", "training", "paused" or "done". images: shown so far, of `total`. grid: uint8
    [h, w, 3], pictures of the same seeds each time. curves: loss_d and loss_g over images, and
    the measures where they were taken: precision, recall, frechet over `measured`. skipped: what
    was left out of the folder, and why. left_s: estimate, None while unknown. path: of the run's
    folder. marks: places of the curves worth a line, counted in images, and their words.
    """

    spec: TrainingSpec
    stage: str
    words: str
    images: int
    total: int
    grid: np.ndarray
    images_per_s: float
    left_s: float | None
    steps: np.ndarray
    loss_d: np.ndarray
    loss_g: np.ndarray
    measured: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    frechet: np.ndarray
    skipped: tuple[tuple[str, str], ...]
    path: str
    marks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class KeptRun:
    """A run on pictures that can go on. stamp: when it was last saved, seconds since 1970."""

    spec: TrainingSpec
    path: str
    images: int
    stamp: float
