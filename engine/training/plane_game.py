"""A GAN on points of the plane: one step at a time, and everything to go on from.

All random numbers come from the game's own generator, so that a game is a function of its spec
and the number of its steps.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from engine.course import Points
from engine.errors import TrainingError
from engine.training import losses, rules
from engine.training.perceptron import Descent, Perceptron, hidden
from engine.training.plane import Plane, plane_of
from engine.training.plane_judges import Autoencoder, PlaneJudge, Scorer, gradient_of
from engine.training_spec import Adversarial, TrainingSpec


@dataclass
class Told:
    """What the last step said of itself. slope: length of the generator's gradient."""

    loss_d: float = 0.0
    loss_g: float = 0.0
    slope: float = 0.0


@dataclass
class PlaneGame:
    """Generator against discriminator. Raises TrainingError for a spec of something else."""

    spec: TrainingSpec
    steps: int = 0
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        if not isinstance(self.spec.method, Adversarial):
            raise TrainingError(f"This game is adversarial, got {self.spec.method.op!r}.")
        method = self.method = self.spec.method
        self.plane: Plane = plane_of(self.spec.data)
        self.rng = torch.Generator().manual_seed(self.spec.seed)
        sizes = hidden(method.z_dim, method.generator, 2)
        self.generator = Perceptron(sizes, method.generator.activation, self.rng)
        self._g = Descent(method.g_optimiser, self.generator)
        judge = Autoencoder if rules.judges_by_energy(method.loss) else Scorer
        self.judge: PlaneJudge = judge(method.discriminator, method.d_optimiser, self.rng)

    @property
    def losses(self) -> tuple[float, float, float]:
        """Of discriminator and generator at the last step, and how long the latter's gradient."""
        return astuple(self.told)

    def step(self) -> None:
        """d_steps of the discriminator, then g_steps of the generator."""
        for _ in range(self.method.d_steps):
            self._train_judge()
        for _ in range(self.method.g_steps):
            self._train_generator()
        self.steps += 1

    def made(self, n: int) -> Points:
        """n generated points, of the same z every time."""
        points: Points = self.generator(self._z(n, torch.Generator().manual_seed(0))).numpy()
        return points

    def values(self, points: Points) -> Float32[np.ndarray, " n"]:
        """What the discriminator answers at these points; high for what it takes for real."""
        found: Float32[np.ndarray, " n"] = self.judge.answer(torch.from_numpy(points))[0].numpy()
        return -found if rules.judges_by_energy(self.method.loss) else found

    def pushes(self, points: Points) -> Points:
        """Where the generator's loss moves made points that lie there: minus its gradient."""
        answers, left = self.judge.answer(torch.from_numpy(points))
        _, (found,) = gradient_of(partial(rules.generator_loss, self.method.loss), answers)
        moved: Points = self.judge.pull(left, found * -len(points)).numpy()
        return moved

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "generator": self._g.state(),
            "judge": self.judge.state(),
            "rng": self.rng.get_state(),
            "steps": self.steps,
            "told": astuple(self.told),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`; rates stay those of this game's spec.

        Raises TrainingError when the state is of networks of another shape.
        """
        self.judge.restore(state["judge"])
        if state["generator"][0].shape != self.generator.flat.shape:
            raise TrainingError("This generator has another shape than that of the branch.")
        self._g.restore(state["generator"])
        self.rng.set_state(state["rng"])
        self.steps = state["steps"]
        self.told = Told(*state["told"])

    def _z(self, n: int, rng: torch.Generator) -> Float[Tensor, "n z"]:
        return torch.randn(n, self.method.z_dim, generator=rng)

    def _seen(self, points: Tensor) -> Tensor:
        """Points as the discriminator sees them."""
        if not self.method.noise:
            return points
        return points + self.method.noise * torch.randn(points.shape, generator=self.rng)

    def _train_judge(self) -> None:
        method, batch, judge = self.method, self.spec.batch, self.judge
        real = self._seen(self.plane.draw(batch, self.rng)[0])
        fake = self._seen(self.generator(self._z(batch, self.rng)))
        answers, left = judge.answer(torch.cat([real, fake]))
        measure = partial(rules.discriminator_loss, method.loss)
        self.told.loss_d, found = gradient_of(measure, *answers.chunk(2))
        judge.learn(left, torch.cat(found))
        if weight := rules.penalty_weight(method.loss):
            share = torch.rand(batch, 1, generator=self.rng)
            judge.penalise(torch.lerp(real, fake, share), partial(_away_from_one, weight))
        if method.r1:
            judge.penalise(real, partial(_length, 0.5 * method.r1))
        judge.step()
        limit = rules.clip_limit(method.loss)
        if limit is not None:
            judge.clip(limit)

    def _train_generator(self) -> None:
        method, judge = self.method, self.judge
        made, way = self.generator.forward(self._z(self.spec.batch, self.rng))
        answers, left = judge.answer(self._seen(made))
        measure = partial(rules.generator_loss, method.loss)
        self.told.loss_g, (found,) = gradient_of(measure, answers)
        pull = judge.pull(left, found)
        weight = rules.repelling_weight(method.loss)
        if weight and isinstance(judge, Autoencoder):
            term, (apart,) = gradient_of(losses.repelling, left[2])
            self.told.loss_g += weight * term
            pull = pull + judge.pull_codes(left, weight * apart)
        self.generator.backward(way, pull)
        self.told.slope = self.generator.gradient.norm().item()
        self._g.step()


def _away_from_one(weight: float, slope: Tensor) -> Tensor:
    return weight * losses.away_from_one(slope)


def _length(weight: float, slope: Tensor) -> Tensor:
    return weight * losses.squared_length(slope)
