"""The frozen state of the Train page's lab, and the words for what stands in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.course import Course, Sampling
from engine.training_spec import (
    Adversarial,
    Denoising,
    Drawn,
    Grid,
    Moons,
    Pictures,
    Point,
    Portraits,
    Ring,
    Spiral,
    TrainingSpec,
    loss_named,
    picture_method,
    picture_spec,
    with_value,
)

LOSS_TITLES = {
    "minmax": "Min-max",
    "non-saturating": "Non-saturating",
    "wgan": "WGAN, clipped",
    "wgan-gp": "WGAN-GP",
    "lsgan": "LSGAN",
    "ebgan": "EBGAN",
    "hinge": "Hinge",
}
DATA = {
    "ring": ("Ring of Gaussians", Ring()),
    "grid": ("Grid of 25", Grid()),
    "spiral": ("Spiral", Spiral()),
    "moons": ("Two moons", Moons()),
    "drawn": ("Drawn by hand", Drawn((Point(0.0, 0.0),))),
}
LANES = ("A", "B")
FIRST, SAMPLING = Course(), Sampling()


@dataclass(frozen=True)
class TrainState:
    """One lane or two, which of them the controls are about, and how diffusion is looked at.

    preset: the key of the experiment that was begun with, "" once it is something else.
    """

    courses: tuple[Course, ...] = (FIRST,)
    edited: int = 0
    sampling: Sampling = SAMPLING
    preset: str = ""

    @property
    def course(self) -> Course:
        """The course that the controls are about."""
        return self.courses[self.edited]

    @property
    def spec(self) -> TrainingSpec:
        """Its spec."""
        return self.course.spec

    @property
    def diffuses(self) -> bool:
        """Whether it learns to denoise."""
        return isinstance(self.spec.method, Denoising)

    def with_spec(self, spec: TrainingSpec) -> TrainState:
        """Another spec in the lane that is edited."""
        courses = list(self.courses)
        courses[self.edited] = self.course.told(spec)
        return replace(self, courses=tuple(courses), preset="")

    def with_field(self, path: str, value: Any) -> TrainState:
        """Another field. Data, seed and batch are common to both lanes: they are compared on
        the same data and random numbers. A field of `sampling` begins with that word."""
        head, _, rest = path.partition(".")
        if head == "sampling":
            return replace(self, sampling=with_value(self.sampling, rest, value))
        changed = self.with_spec(with_value(self.spec, path, value))
        if head in ("data", "seed", "batch") and len(self.courses) == 2:
            other = 1 - self.edited
            courses = list(changed.courses)
            courses[other] = courses[other].told(with_value(courses[other].spec, path, value))
            changed = replace(changed, courses=tuple(courses))
        return changed

    def with_loss(self, op: str) -> TrainState:
        """Another loss at its usual settings."""
        return self.with_field("method.loss", loss_named(op))

    @property
    def pictures(self) -> bool:
        """Whether it learns pictures rather than points."""
        return isinstance(self.spec.data, Portraits | Pictures)

    @property
    def kind(self) -> str:
        """ "adversarial" or "denoising" on points, or "pictures"."""
        return "pictures" if self.pictures else self.spec.method.op

    def with_method(self, op: str) -> TrainState:
        """GAN or diffusion on points, or pictures, in one lane."""
        if op == "pictures":
            return replace(self, courses=(Course(picture_spec()),), edited=0, preset="")
        if self.pictures:
            spec = replace(FIRST.spec, method=Denoising() if op == "denoising" else Adversarial())
            return replace(self, courses=(Course(spec),), edited=0, preset="")
        method = Denoising() if op == "denoising" else Adversarial()
        spec = replace(self.spec, method=method)
        return replace(self, courses=(Course(spec),), edited=0, preset="")

    @property
    def grows(self) -> bool:
        """Whether it learns pictures from 4 px up."""
        return isinstance(self.spec.method, Adversarial) and self.spec.method.grows

    def with_growth(self, grows: bool) -> TrainState:
        """Pictures from 4 px up, or at their full size from the beginning, with the same loss.

        The networks are others, so rates, widths and batch become the usual ones of each. Raises
        RecipeError for a loss that does not grow.
        """
        method = self.spec.method
        if not self.pictures or not isinstance(method, Adversarial):
            return self
        usual = picture_spec(grows=grows)
        return self.with_spec(
            replace(self.spec, method=picture_method(method.loss, grows), batch=usual.batch)
        )

    def compared(self) -> TrainState:
        """With a second lane like the first, or without it."""
        if len(self.courses) == 2:
            return replace(self, courses=(self.course,), edited=0)
        return replace(self, courses=(self.courses[0], self.courses[0]), edited=1)

    def branched(self, at: int) -> TrainState:
        """A branch of the edited lane at a step, in the second lane, ready to be changed."""
        course = self.course
        if at <= course.at:
            return replace(self, courses=(course, course), edited=1)
        return replace(self, courses=(course, course.branch(at)), edited=1)


def title_of(course: Course) -> str:
    """What a lane is, in a few words."""
    if course.spec.data.op not in DATA:
        grows = isinstance(course.spec.method, Adversarial) and course.spec.method.grows
        return "ProGAN on pictures" if grows else "DCGAN on pictures"
    method = course.spec.method
    if isinstance(method, Adversarial):
        words = LOSS_TITLES[method.loss.op]
        if method.r1:
            words += f" + R1 {method.r1:g}"
    else:
        words = "Diffusion"
    branch = f", branched at {course.at:,}" if course.parent is not None else ""
    return f"{words}, {DATA[course.spec.data.op][0]}{branch}"
