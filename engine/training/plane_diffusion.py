"""Diffusion on points of the plane: Algorithm 1 of Ho et al. (2020), and every sampler on it.

The data are Gaussians around centres, so the score of the noised data is known exactly; the run
measures its network against it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from engine.course import Points, Sampling
from engine.diffusion import guidance
from engine.diffusion.denoise import Hooks, Settings, denoise
from engine.diffusion.schedule import Prediction, Schedule, target, to_eps, to_x0
from engine.errors import TrainingError
from engine.training.perceptron import Descent, Perceptron
from engine.training.plane import Plane, plane_of
from engine.training_spec import Denoising, TrainingSpec

WAVES = 4  # sines and cosines of the time
SLOW = 0.1  # share of the newest loss in the shown one


class TimedPerceptron:
    """Points at a timestep to so many numbers; classes are one-hot, the last one means none."""

    def __init__(self, method: Denoising, classes: int, out: int, rng: torch.Generator) -> None:
        self.timesteps, self.classes = method.timesteps, classes
        inside = 2 + 2 * WAVES + (classes + 1 if classes else 0)
        sizes = [inside, *[method.network.width] * method.network.layers, out]
        self.body = Perceptron(sizes, method.network.activation, rng)
        self.descent = Descent(method.optimiser, self.body)

    def inputs(
        self, x: Float[Tensor, "n 2"], t: Float[Tensor, " n"], labels: Tensor | None
    ) -> Float[Tensor, "n inside"]:
        """What the first layer sees. labels: [n]; `classes` for none."""
        turn = t[:, None] / self.timesteps * math.pi * 2.0 ** torch.arange(WAVES) / 2
        parts = [x, turn.sin(), turn.cos()]
        if self.classes:
            assert labels is not None
            parts.append(torch.nn.functional.one_hot(labels, self.classes + 1).float())
        return torch.cat(parts, dim=1)


class PlaneNetwork:
    """A Network of the denoising loop. A condition is a class, or None for none."""

    bounded = False

    def __init__(self, run: PlaneDiffusion) -> None:
        self.schedule: Schedule = run.schedule
        self.prediction: Prediction = run.method.prediction
        self.digest = f"{run.spec.sha256}/{run.steps}"
        self._run = run
        self.seen: list[Tensor] = []  # what the network was shown, call by call

    def predict(self, x: Tensor, t: float, conditions: Sequence[Any]) -> Tensor:
        """See Network."""
        self.seen.append(x.float())
        return torch.stack([self.differentiable(x, t, condition) for condition in conditions])

    def differentiable(self, x: Tensor, t: float, condition: Any) -> Tensor:
        """See Network."""
        run = self._run
        label = run.net.classes if condition is None else condition
        labels = torch.full((len(x),), label)
        out: Tensor = run.net.body(run.net.inputs(x.float(), torch.full((len(x),), t), labels))
        return out

    def log_probabilities(self, x: Tensor, t: float) -> Tensor:
        """log p(class | x_t) of the noise-aware classifier."""
        judge = self._run.classifier
        logits = judge.body(judge.inputs(x.float(), torch.full((len(x),), t), None))
        return torch.log_softmax(logits, dim=1)


@dataclass(frozen=True, eq=False)
class Look:
    """A diffusion model at one place between noise and samples. trails: [s, n, 2]."""

    run: PlaneDiffusion
    time: int
    made: Points
    real: Points
    trails: np.ndarray

    def heat(self, points: Points) -> Float32[np.ndarray, " n"]:
        """The exact logarithm of the noised data's density."""
        found = self.run.exact(torch.from_numpy(points), self.time)[0]
        return np.asarray(found.numpy(), np.float32)

    def pushes(self, points: Points) -> Points:
        """The score that the network has learned."""
        x = torch.from_numpy(points)
        moved: Points = (-self.run.noise_in(x, self.time) / self.run.sigma(self.time)).numpy()
        return moved


class PlaneDiffusion:
    """A denoiser of points, and beside it a noise-aware classifier where there are classes.

    Raises TrainingError for a spec of something else.
    """

    def __init__(self, spec: TrainingSpec) -> None:
        if not isinstance(spec.method, Denoising):
            raise TrainingError(f"This run learns to denoise, got {spec.method.op!r}.")
        self.spec, self.method, self.steps = spec, spec.method, 0
        self.plane: Plane = plane_of(spec.data)
        self.rng = torch.Generator().manual_seed(spec.seed)
        self.schedule = _schedule(self.method.schedule, self.method.timesteps)
        classes = self.plane.classes
        self.net = TimedPerceptron(self.method, classes, 2, self.rng)
        self.classifier = TimedPerceptron(self.method, 0, classes, self.rng)
        self._alphas = torch.tensor(self.schedule.alphas, dtype=torch.float32)
        self._sigmas = torch.tensor(self.schedule.sigmas, dtype=torch.float32)
        self._loss = self._off = self._judged = 0.0
        self._looked: tuple[Any, Look] | None = None

    @property
    def losses(self) -> tuple[float, float, float]:
        """Squared error; squared distance of the noise found from the exact one; the classifier's
        loss. All are running means."""
        return self._loss, self._off, self._judged

    def step(self) -> None:
        """Algorithm 1: a point, a time, some noise, one step down the squared error."""
        method, batch = self.method, self.spec.batch
        x0, labels = self.plane.draw(batch, self.rng)
        t = torch.randint(0, method.timesteps, (batch,), generator=self.rng)
        eps = torch.randn(batch, 2, generator=self.rng)
        alpha, sigma = self._alphas[t, None], self._sigmas[t, None]
        x = alpha * x0 + sigma * eps
        hidden = torch.rand(batch, generator=self.rng) < method.unlabelled
        given = torch.where(hidden, self.net.classes, labels)
        out, left = self.net.body.forward(self.net.inputs(x, t.float(), given))
        off = out - target(method.prediction, x0, eps, alpha, sigma)
        self.net.body.backward(left, off * (2 / off.numel()))
        self.net.descent.step()
        if self.plane.classes > 1:
            self._train_classifier(x, t, labels)
        self.steps += 1
        self._loss = self._slowly(self._loss, off.square().mean().item())
        if self.steps % 10 == 0:
            self._off = self._slowly(self._off, self._distance(x, t))

    @torch.no_grad()
    def made(self, n: int) -> Points:
        """n samples without guidance: 20 steps of DDIM."""
        noise = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
        settings = Settings("ddim", min(20, self.method.timesteps))
        points: Points = denoise(PlaneNetwork(self), noise, None, settings=settings).float().numpy()
        return points

    def look(self, sampling: Sampling, n: int) -> Look:
        """Samples as they are wanted, at the place wanted; remembered until something changes."""
        key = (self.steps, sampling, n)
        if self._looked is not None and self._looked[0] == key:
            return self._looked[1]
        network = PlaneNetwork(self)
        noise = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
        steps = min(sampling.steps, self.method.timesteps)
        settings = Settings(sampling.sampler, steps, sampling.spacing, sampling.eta)
        label = sampling.label if sampling.label in range(self.plane.classes) else None
        last = denoise(network, noise, label, self._terms(network, sampling, label), settings,
                       Hooks())  # fmt: skip
        way = torch.stack([*network.seen, last.float()]).numpy()
        at = round(sampling.place * (len(way) - 1))
        time = round((1 - sampling.place) * (self.method.timesteps - 1))
        real = self._noised(n, time) if sampling.forward else way[at]
        look = Look(self, time, np.ascontiguousarray(way[at]), real, way[:, :48])
        self._looked = (key, look)
        return look

    def exact(self, x: Float[Tensor, "n 2"], t: int) -> tuple[Tensor, Tensor]:
        """log p_t [n] and the expected noise [n, 2] of the data at a timestep, in closed form."""
        alpha, sigma = float(self._alphas[t]), float(self._sigmas[t])
        centres = alpha * torch.from_numpy(self.plane.centres)
        variance = (alpha * self.plane.spread) ** 2 + sigma**2
        off = x[:, None] - centres  # [n k 2]
        logs = -off.square().sum(-1) / (2 * variance) - math.log(2 * math.pi * variance)
        share = torch.softmax(logs, dim=1)
        score = -(share[..., None] * off).sum(1) / variance
        return torch.logsumexp(logs, 1) - math.log(len(centres)), -sigma * score

    def noise_in(self, x: Float[Tensor, "n 2"], t: int) -> Float[Tensor, "n 2"]:
        """The noise that the network sees in points, without a class."""
        out = PlaneNetwork(self).differentiable(x, float(t), None)
        alpha, sigma = float(self._alphas[t]), float(self._sigmas[t])
        found: Tensor = to_eps(to_x0(self.method.prediction, out, x, alpha, sigma), x, alpha, sigma)
        return found

    def sigma(self, t: int) -> float:
        """The factor of the noise at a timestep."""
        return float(self._sigmas[t])

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "net": self.net.descent.state(),
            "classifier": self.classifier.descent.state(),
            "rng": self.rng.get_state(),
            "steps": self.steps,
            "told": self.losses,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`. Raises TrainingError for networks of another shape."""
        if "net" not in state or state["net"][0].shape != self.net.body.flat.shape:
            raise TrainingError("This network has another shape than that of the branch.")
        self.net.descent.restore(state["net"])
        self.classifier.descent.restore(state["classifier"])
        self.rng.set_state(state["rng"])
        self.steps = state["steps"]
        self._loss, self._off, self._judged = state["told"]

    def _train_classifier(self, x: Tensor, t: Tensor, labels: Tensor) -> None:
        judge = self.classifier
        logits, left = judge.body.forward(judge.inputs(x, t.float(), None))
        log_p = torch.log_softmax(logits, dim=1)
        rows = torch.arange(len(x))
        found = log_p.exp()
        found[rows, labels] -= 1  # the gradient of the cross-entropy at the logits
        judge.body.backward(left, found / len(x))
        judge.descent.step()
        self._judged = self._slowly(self._judged, -log_p[rows, labels].mean().item())

    def _slowly(self, old: float, new: float) -> float:
        return new if old == 0.0 else old + SLOW * (new - old)

    def _distance(self, x: Tensor, t: Tensor) -> float:
        """From the exact expected noise, at one time of the batch."""
        at = int(t[0])
        same = t == at
        found = self.noise_in(x[same], at) - self.exact(x[same], at)[1]
        return float(found.square().mean())

    def _noised(self, n: int, time: int) -> Points:
        """Real points on their way into noise, the same way every time."""
        rng = torch.Generator().manual_seed(1)
        x0, _ = self.plane.draw(n, rng)
        eps = torch.randn(n, 2, generator=rng)
        points: Points = (self._alphas[time] * x0 + self._sigmas[time] * eps).numpy()
        return points

    def _terms(
        self, network: PlaneNetwork, sampling: Sampling, label: int | None
    ) -> tuple[guidance.Term, ...]:
        if label is None:
            return ()
        terms: list[guidance.Term] = []
        if sampling.guidance != 1:
            terms.append(guidance.classifier_free(label, None, sampling.guidance))
        if sampling.classifier and self.plane.classes > 1:
            log_p = network.log_probabilities
            terms.append(guidance.classifier("plane", log_p, label, sampling.classifier))
        return tuple(terms)


@lru_cache(maxsize=8)
def _schedule(kind: Any, timesteps: int) -> Schedule:
    return Schedule(kind, timesteps, 0.1 if kind == "cosine" else 0.999)
