"""One lane of the lab: a course at a step, the checkpoints behind it, and its curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.course import SPAN, Course, Curves, LaneView, Points, Sampling
from engine.errors import TrainingError
from engine.training.plane_diffusion import PlaneDiffusion
from engine.training.plane_game import PlaneGame
from engine.training_spec import Denoising, TrainingSpec

KEEP_EVERY = 25  # steps between checkpoints, doubled whenever there are too many
MOST_KEPT = 160
MEASURE_EVERY = 20  # steps; a denoiser, whose samples cost more, is measured less often
MEASURE_DENOISER = 100
MEASURED = 512  # points a measurement takes
SHOWN = 512
HEAT = 48  # cells a side
ARROWS = 15  # a side


def run_of(spec: TrainingSpec) -> PlaneGame | PlaneDiffusion:
    """A run at step 0. Raises TrainingError for data that are no points."""
    return PlaneDiffusion(spec) if isinstance(spec.method, Denoising) else PlaneGame(spec)


class Lane:
    """A course that can be taken to any step, again and again, with the same result."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.problem = ""
        self.run = run_of(course.spec)
        self._every = KEEP_EVERY
        denoises = isinstance(self.run, PlaneDiffusion)
        self._measure_every = MEASURE_DENOISER if denoises else MEASURE_EVERY
        self._kept: dict[int, dict[str, Any]] = {}
        self._lines: dict[int, tuple[float, ...]] = {}  # by step; they hold however one got there
        if course.parent is not None:
            origin = Lane(course.parent)
            origin.go(course.at)
            self.run.restore(origin.run.state())
            self._lines = {at: line for at, line in origin._lines.items() if at <= course.at}
        self._real = self._points()
        self._keep()

    @property
    def step(self) -> int:
        """Where the lane is."""
        return self.run.steps

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """The steps that can be reached at once."""
        return tuple(sorted(self._kept))

    def advance(self) -> None:
        """One step on. A run whose numbers have left all bounds says so and stands still."""
        if self.problem:
            return
        self.run.step()
        if not np.isfinite(self.run.losses).all():
            self.problem = "The numbers have left all bounds. Rewind, or lower a rate."
        if self.run.steps % self._every == 0:
            self._keep()
        if self.run.steps % self._measure_every == 0:
            self._measure()

    def rewind(self, step: int) -> None:
        """Be at the last checkpoint that is not beyond a step; the branch point is the first."""
        before = [at for at in sorted(self._kept) if at <= max(step, self.course.at)]
        if step < self.run.steps or before[-1] > self.run.steps:
            self.problem = ""
            self.run.restore(self._kept[before[-1]])

    def go(self, step: int) -> None:
        """Be at a step, but never before the branch."""
        self.rewind(step)
        while self.run.steps < step and not self.problem:
            self.advance()

    def view(self, sampling: Sampling) -> LaneView:
        """What there is to see."""
        run = self.run
        trails = np.zeros((0, 0, 2), np.float32)
        if isinstance(run, PlaneDiffusion):
            seen = run.look(sampling, SHOWN)
            made, trails = seen.made, seen.trails
            heat, pushes = seen.heat(_lattice(HEAT)), seen.pushes(_lattice(ARROWS))
            real = seen.real if sampling.forward else self._real
            score = run.plane.score(run.made(MEASURED) if sampling.place < 1 else made)
        else:
            made, real = run.made(MEASURED), self._real
            heat, pushes = run.values(_lattice(HEAT)), run.pushes(_lattice(ARROWS))
            score = run.plane.score(made)
        return LaneView(
            self.course, run.steps, real, made[:SHOWN], heat.reshape(HEAT, HEAT),
            (_lattice(ARROWS), pushes), score.covered, score.modes, score.good, self.curves(),
            run.plane.classes, trails, self.problem,
        )  # fmt: skip

    def _points(self) -> Points:
        """Real points to show, the same every time."""
        import torch

        points: Points = self.run.plane.draw(SHOWN, torch.Generator().manual_seed(1))[0].numpy()
        return points

    def _keep(self) -> None:
        self._kept[self.run.steps] = self.run.state()
        if len(self._kept) > MOST_KEPT:
            self._every *= 2
            first = next(iter(self._kept))
            self._kept = {
                at: state
                for at, state in self._kept.items()
                if at % self._every == 0 or at in (first, self.run.steps)
            }

    def _measure(self) -> None:
        score = self.run.plane.score(self.run.made(MEASURED))
        line = (self.run.steps, *self.run.losses, score.covered, score.good)
        self._lines[self.run.steps] = line

    def curves(self) -> Curves:
        """At most 400 places of the way, the last among them."""
        past = [line for at, line in sorted(self._lines.items()) if at <= self.run.steps]
        lines = past[:: -max(1, len(past) // 400)][::-1]
        table = np.array(lines, np.float32).reshape(-1, 6)
        return Curves(*table.T)


def lane_of(course: Course) -> Lane:
    """A lane at the course's beginning; a branch whose networks no longer fit begins anew.

    Raises TrainingError for a spec that is not for the plane.
    """
    if course.parent is None:
        return Lane(course)
    try:
        return Lane(course)
    except (TrainingError, KeyError):
        return Lane(Course(course.spec))


def _lattice(side: int) -> Points:
    """The middles of side x side cells, row by row from the top left."""
    line = (np.arange(side) + 0.5) / side * 2 * SPAN - SPAN
    x, y = np.meshgrid(line, -line)
    return np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)
