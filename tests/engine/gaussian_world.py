"""A network that is exact: the score of a Gaussian mixture in the plane, under any schedule.

x_t = alpha x0 + sigma eps makes of each component N(m, v) the component N(alpha m, alpha^2 v +
sigma^2); the predicted picture is the posterior mean. A condition is a set of components.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.diffusion.schedule import Prediction, Schedule, from_x0

MEANS = torch.tensor([[0.5, 0.2], [-0.4, 0.3], [0.1, -0.5]], dtype=torch.float64)
VARIANCE = 0.04


class Mixture:
    """A Network of the loop. Conditions: tuples of component numbers; () is all of them."""

    digest = "mixture"
    bounded = True

    def __init__(
        self,
        prediction: Prediction = "epsilon",
        schedule: Schedule | None = None,
        means: Tensor = MEANS,
        variance: float = VARIANCE,
    ) -> None:
        self.schedule = schedule or Schedule("linear")
        self.prediction = prediction
        self.means, self.variance = means, variance
        self.calls = 0
        self._log_sigmas = np.log(self.schedule.sigmas / self.schedule.alphas)

    def level(self, t: float) -> tuple[float, float]:
        """alpha and sigma at a timestep, between them in log(sigma / alpha)."""
        sigma = float(np.exp(np.interp(t, np.arange(self.schedule.steps), self._log_sigmas)))
        alpha = (1 + sigma * sigma) ** -0.5
        return alpha, sigma * alpha

    def log_density(self, x: Tensor, t: float, parts: Sequence[int]) -> Tensor:
        """log p_t(x) of a mixture of these components, [n]."""
        alpha, sigma = self.level(t)
        means = alpha * self.means[list(parts) or list(range(len(self.means)))]
        spread = alpha**2 * self.variance + sigma**2
        squares = (x[:, None, :] - means).square().sum(-1)
        return torch.logsumexp(-squares / (2 * spread) - np.log(len(means)), dim=1)

    def log_probabilities(self, x: Tensor, t: float) -> Tensor:
        """log p(component | x_t), [n, components]: an exact noise-aware classifier."""
        each = [self.log_density(x, t, (k,)) for k in range(len(self.means))]
        return torch.log_softmax(torch.stack(each, 1), dim=1)

    def predict(self, x: Tensor, t: float, conditions: Sequence[Any]) -> Tensor:
        """See Network."""
        self.calls += 1
        return torch.stack([self.differentiable(x, t, condition) for condition in conditions])

    def differentiable(self, x: Tensor, t: float, condition: Any) -> Tensor:
        """See Network. Exact in the level that t stands for."""
        alpha, sigma = self.level(t)
        means = self.means[list(condition) or list(range(len(self.means)))]
        spread = alpha**2 * self.variance + sigma**2
        wide = x.double()
        squares = (wide[:, None, :] - alpha * means).square().sum(-1)
        share = torch.softmax(-squares / (2 * spread), dim=1)
        gain = alpha * self.variance / spread
        x0 = share @ means + gain * (wide - alpha * share @ means)
        return from_x0(self.prediction, x0, wide, alpha, sigma)


def gaussian_flow(
    mean: Tensor, variance: float, noise: Tensor, alpha: float, sigma: float
) -> Tensor:
    """Where the probability flow takes x at (alpha, sigma), in the plane's own units, for N(mean,
    variance): affine, since every marginal is Gaussian."""
    spread = (alpha**2 * variance + sigma**2) ** 0.5
    return mean + variance**0.5 * (noise - alpha * mean) / spread
