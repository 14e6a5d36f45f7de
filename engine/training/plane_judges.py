"""Discriminators for points of the plane: one number a point, with gradients written out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import TrainingError
from engine.training.perceptron import Descent, Pass, Perceptron, hidden
from engine.training_spec import Network, Optimiser

Measure = Callable[[Tensor], Tensor]
CODE = 8  # numbers in the middle of an autoencoder


def gradient_of(measure: Measure, *at: Tensor) -> tuple[float, list[Tensor]]:
    """A loss of few numbers, and its gradient at them by automatic differentiation."""
    leaves = [x.detach().requires_grad_(True) for x in at]
    with torch.enable_grad():
        loss = measure(*leaves)
        found = torch.autograd.grad(loss, leaves)
    return loss.item(), list(found)


class PlaneJudge(ABC):
    """Points to one number each. `answer`, then `learn` or `pull` with a gradient there."""

    networks: tuple[Perceptron, ...]

    def __init__(self, wanted: Optimiser) -> None:
        self._steps = [Descent(wanted, network) for network in self.networks]

    @abstractmethod
    def answer(self, points: Float[Tensor, "n 2"]) -> tuple[Float[Tensor, " n"], Any]:
        """One number a point, and what the other two methods need."""

    @abstractmethod
    def learn(self, left: Any, found: Float[Tensor, " n"]) -> None:
        """Add the gradients of the weights, given the loss's gradient at the answers."""

    @abstractmethod
    def pull(self, left: Any, found: Float[Tensor, " n"]) -> Float[Tensor, "n 2"]:
        """The loss's gradient at the points, given it at the answers."""

    @abstractmethod
    def penalise(self, points: Float[Tensor, "n 2"], measure: Measure) -> None:
        """Add the gradients of a measure of the slope [n, 2] at these points."""

    def step(self) -> None:
        """Go along what was learned."""
        for steps in self._steps:
            steps.step()

    def clip(self, limit: float) -> None:
        """Hold every weight in [-limit, limit] (Arjovsky et al., 2017)."""
        for network in self.networks:
            network.flat.clamp_(-limit, limit)

    def state(self) -> list[tuple[Tensor, ...]]:
        """Weights and what the optimisers remember."""
        return [steps.state() for steps in self._steps]

    def restore(self, state: list[tuple[Tensor, ...]]) -> None:
        """The inverse of `state`. Raises TrainingError for that of another shape."""
        fits = len(state) == len(self._steps)
        if not fits or any(
            steps.network.flat.shape != kept[0].shape
            for steps, kept in zip(self._steps, state, strict=True)
        ):
            raise TrainingError(
                "These networks have another shape than those of the branch.",
                "Keep width, depth, z and the kind of discriminator, or start anew.",
            )
        for steps, kept in zip(self._steps, state, strict=True):
            steps.restore(kept)


class Scorer(PlaneJudge):
    """One perceptron with one output."""

    def __init__(self, network: Network, wanted: Optimiser, rng: torch.Generator) -> None:
        self.body = Perceptron(hidden(2, network, 1), network.activation, rng)
        self.networks = (self.body,)
        super().__init__(wanted)

    def answer(self, points: Float[Tensor, "n 2"]) -> tuple[Float[Tensor, " n"], Pass]:
        out, left = self.body.forward(points)
        return out[:, 0], left

    def learn(self, left: Pass, found: Float[Tensor, " n"]) -> None:
        self.body.backward(left, found[:, None])

    def pull(self, left: Pass, found: Float[Tensor, " n"]) -> Float[Tensor, "n 2"]:
        return self.body.backward(left, found[:, None], own=False)

    def penalise(self, points: Float[Tensor, "n 2"], measure: Measure) -> None:
        _, left = self.body.forward(points)
        slope, way = self.body.slope(left)
        _, (found,) = gradient_of(measure, slope)
        self.body.penalise(left, way, found)


class Autoencoder(PlaneJudge):
    """EBGAN's discriminator (Zhao et al., 2016): how far a point is from its reconstruction."""

    def __init__(self, network: Network, wanted: Optimiser, rng: torch.Generator) -> None:
        self.encoder = Perceptron(hidden(2, network, CODE), network.activation, rng)
        self.decoder = Perceptron(hidden(CODE, network, 2), network.activation, rng)
        self.networks = (self.encoder, self.decoder)
        super().__init__(wanted)

    def answer(self, points: Float[Tensor, "n 2"]) -> tuple[Float[Tensor, " n"], Any]:
        codes, inward = self.encoder.forward(points)
        back, outward = self.decoder.forward(codes)
        off = back - points
        energy = (off.square().sum(dim=1) + 1e-12).sqrt()
        return energy, (inward, outward, codes, off / energy[:, None])

    def learn(self, left: Any, found: Float[Tensor, " n"]) -> None:
        self._through(left, found, own=True)

    def pull(self, left: Any, found: Float[Tensor, " n"]) -> Float[Tensor, "n 2"]:
        return self._through(left, found, own=False)

    def pull_codes(self, left: Any, found: Float[Tensor, "n code"]) -> Float[Tensor, "n 2"]:
        """A loss's gradient at the points, given it at the codes."""
        inward, *_ = left
        return self.encoder.backward(inward, found, own=False)

    def penalise(self, points: Float[Tensor, "n 2"], measure: Measure) -> None:
        raise TrainingError(
            "An autoencoder has no slope to penalise here.", "Set R1 to 0, or take another loss."
        )

    def _through(self, left: Any, found: Tensor, *, own: bool) -> Tensor:
        inward, outward, _, unit = left
        off = found[:, None] * unit
        codes = self.decoder.backward(outward, off, own=own)
        pull: Tensor = self.encoder.backward(inward, codes, own=own) - off
        return pull
