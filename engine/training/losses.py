"""The losses of adversarial training, one published objective a function.

Every function takes what the discriminator (or critic, or energy) answers to real and to made
samples and gives the mean that is to become small. Expectations in the sources are means over the
batch here. Penalties take the judge itself, because they look at its slope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Judge = Callable[[Tensor], Tensor]
"""Samples [n, ...] to one number each, [n]."""


def logistic_discriminator(
    real_logits: Float[Tensor, " n"], fake_logits: Float[Tensor, " m"]
) -> Float[Tensor, ""]:
    """-log D(x) - log(1 - D(G(z))), with D the sigmoid of the logits (Goodfellow et al., 2014).

    At the best D, p / (p + q), it is 2 log 2 - 2 JS(p, q), at most 2 log 2.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def minmax_generator(fake_logits: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """log(1 - D(G(z))) (Goodfellow et al., 2014): flat where the discriminator is sure."""
    return -F.softplus(fake_logits).mean()


def nonsaturating_generator(fake_logits: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """-log D(G(z)) (Goodfellow et al., 2014): the same fixed point, steep where D is sure."""
    return F.softplus(-fake_logits).mean()


def wasserstein_critic(
    real_scores: Float[Tensor, " n"], fake_scores: Float[Tensor, " m"]
) -> Float[Tensor, ""]:
    """E f(G(z)) - E f(x): minus the Wasserstein-1 distance at the best 1-Lipschitz critic
    (Arjovsky et al., 2017)."""
    return fake_scores.mean() - real_scores.mean()


def wasserstein_generator(fake_scores: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """-E f(G(z)) (Arjovsky et al., 2017)."""
    return -fake_scores.mean()


@torch.no_grad()
def clip_weights(weights: Iterable[Tensor], limit: float) -> None:
    """Hold every weight in [-limit, limit] (Arjovsky et al., 2017, Algorithm 1)."""
    torch._foreach_clamp_min_(held := list(weights), -limit)
    torch._foreach_clamp_max_(held, limit)


def gradient_penalty(
    judge: Judge,
    real: Float[Tensor, "n ..."],
    fake: Float[Tensor, "n ..."],
    between: Float[Tensor, " n"],
) -> Float[Tensor, ""]:
    """E (|grad f(x)| - 1)^2 on the lines from real to made (Gulrajani et al., 2017).

    between: where on its line each point lies, 0 at the real and 1 at the made sample.
    """
    share = between.view(-1, *[1] * (real.ndim - 1))
    points = torch.lerp(real.detach(), fake.detach(), share)
    return away_from_one(slope(judge, points))


def r1_penalty(judge: Judge, real: Float[Tensor, "n ..."]) -> Float[Tensor, ""]:
    """E |grad f(x)|^2 at real samples (Mescheder et al., 2018)."""
    return squared_length(slope(judge, real))


def away_from_one(slopes: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Mean squared distance of the slopes' lengths from 1."""
    found: Tensor = (slopes.norm(dim=1) - 1).square().mean()
    return found


def squared_length(slopes: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Mean squared length of the slopes."""
    return slopes.square().sum(dim=1).mean()


def slope(judge: Judge, points: Float[Tensor, "n ..."]) -> Float[Tensor, "n d"]:
    """The judge's gradient at each point, flat; a gradient passes through it."""
    points = points.detach().requires_grad_(True)
    (found,) = torch.autograd.grad(judge(points).sum(), points, create_graph=True)
    flat: Tensor = found.flatten(1)
    return flat


def least_squares_discriminator(
    real_scores: Float[Tensor, " n"], fake_scores: Float[Tensor, " m"], a: float, b: float
) -> Float[Tensor, ""]:
    """Half the squared distance of real scores to b and of made ones to a (Mao et al., 2017)."""
    return 0.5 * (real_scores - b).square().mean() + 0.5 * (fake_scores - a).square().mean()


def least_squares_generator(fake_scores: Float[Tensor, " n"], c: float) -> Float[Tensor, ""]:
    """Half the squared distance of made scores to c (Mao et al., 2017).

    With b - c = 1 and b - a = 2 the two together minimise the Pearson chi-square divergence
    between p + q and 2 q; with a = 0 and b = c = 1 made samples are to be taken for real.
    """
    return 0.5 * (fake_scores - c).square().mean()


def hinge_discriminator(
    real_scores: Float[Tensor, " n"], fake_scores: Float[Tensor, " m"]
) -> Float[Tensor, ""]:
    """max(0, 1 - f(x)) + max(0, 1 + f(G(z))) (Lim and Ye, 2017); 2 - 2 TV(p, q) at the best f."""
    return F.relu(1 - real_scores).mean() + F.relu(1 + fake_scores).mean()


def hinge_generator(fake_scores: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """-f(G(z)) (Lim and Ye, 2017)."""
    return -fake_scores.mean()


def energy_discriminator(
    real_energy: Float[Tensor, " n"], fake_energy: Float[Tensor, " m"], margin: float
) -> Float[Tensor, ""]:
    """D(x) + max(0, margin - D(G(z))), energies not negative (Zhao et al., 2016, equation 1).

    At the equilibrium it equals the margin (their Theorem 1).
    """
    return real_energy.mean() + F.relu(margin - fake_energy).mean()


def energy_generator(fake_energy: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """D(G(z)) (Zhao et al., 2016, equation 2)."""
    return fake_energy.mean()


def repelling(codes: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """The pulling-away term: mean squared cosine between the codes of different samples
    (Zhao et al., 2016, equation 4). 0 when they are orthogonal, 1 when they all point one way."""
    n = codes.shape[0]
    cosines = F.normalize(codes, dim=1) @ F.normalize(codes, dim=1).T
    return (cosines.square().sum() - n) / (n * (n - 1))
