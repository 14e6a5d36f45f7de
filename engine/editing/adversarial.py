"""Attacks on networks: small changes of a picture that raise an objective, within a budget.

Pictures are levels, float32 [n, 3, h, w] in [0, 255]. An objective gives one number a picture that
the attack raises: how little the network believes in the right answer, or how much in the wanted
one. Budgets are in levels of 255: of the largest change of any value (L-inf), or of the root of the
mean square over all values (L2), so that one slider means alike in both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from engine.cancel import CancelToken
from engine.editing.transformations import Transformation

Levels = Float[Tensor, "n 3 h w"]
Objective = Callable[[Tensor], Tensor]  # levels [n, 3, h, w] -> [n]
Slope = Callable[[Tensor], Tensor]  # levels -> the gradient of the objective there

KURAKIN = 1.25  # the path of all steps together, in budgets (Kurakin et al., 2016)
MADRY = 2.5  # the same for projected steps (Madry et al., 2017)


def slope_of(objective: Objective) -> Slope:
    """The gradient of an objective with respect to the picture."""

    def slope(x: Levels) -> Levels:
        moving = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(moving).sum(), moving)
        return gradient

    return slope


def expected(
    objective: Objective,
    transformations: Sequence[Transformation],
    draws: int,
    seed: int,
    cancel: CancelToken | None = None,
) -> Slope:
    """The gradient's mean over random transformations, other ones in every step.

    Expectation over transformations (Athalye et al., 2018): what raises the objective under all of
    them outlives being resized, saved, turned and lit otherwise. One of them is drawn at a time,
    and the bare picture counts as one.
    """
    source = torch.Generator().manual_seed(seed)
    kinds = [None, *transformations]

    def slope(x: Levels) -> Levels:
        total = torch.zeros_like(x)
        for draw in range(draws):
            if cancel is not None:
                cancel.check()
            kind = kinds[draw % len(kinds)]
            moving = x.detach().requires_grad_()
            seen = moving if kind is None else kind(moving, source)
            (gradient,) = torch.autograd.grad(objective(seen).sum(), moving)
            total += gradient
        return total / draws

    return slope


def fast_gradient(x: Levels, slope: Slope, epsilon: float) -> Levels:
    """x + epsilon sign(gradient), the fast gradient sign method (Goodfellow et al., 2014)."""
    return (x + epsilon * slope(x).sign()).clamp(0, 255)


def iterated(
    x: Levels,
    slope: Slope,
    epsilon: float,
    steps: int,
    momentum: float = 0.0,
    cancel: CancelToken | None = None,
) -> Levels:
    """Small steps of the sign, clipped to the budget (Kurakin et al., 2016).

    momentum: what is kept of the sum of gradients, each brought to mean size 1 (Dong et al., 2018,
    algorithm 1); then the steps together are one budget long.
    """
    stride = (1.0 if momentum else KURAKIN) * epsilon / steps
    velocity, moved = torch.zeros_like(x), x
    for _ in range(steps):
        if cancel is not None:
            cancel.check()
        gradient = slope(moved)
        size = gradient.abs().mean((1, 2, 3), keepdim=True).clamp(min=1e-20)
        velocity = momentum * velocity + gradient / size
        moved = clipped(x, moved + stride * velocity.sign(), epsilon)
    return moved


def projected_linf(
    x: Levels,
    slope: Slope,
    epsilon: float,
    steps: int,
    seed: int,
    cancel: CancelToken | None = None,
) -> Levels:
    """Projected gradient descent in L-inf from a random start (Madry et al., 2017)."""
    source = torch.Generator().manual_seed(seed)
    start = (2 * torch.rand(x.shape, generator=source) - 1) * epsilon
    moved = clipped(x, x + start, epsilon)
    for _ in range(steps):
        if cancel is not None:
            cancel.check()
        moved = clipped(x, moved + MADRY * epsilon / steps * slope(moved).sign(), epsilon)
    return moved


def projected_l2(
    x: Levels,
    slope: Slope,
    epsilon: float,
    steps: int,
    seed: int,
    cancel: CancelToken | None = None,
) -> Levels:
    """Projected gradient descent in L2 from a random start (Madry et al., 2017).

    epsilon: the root of the mean square of the change, in levels.
    """
    source = torch.Generator().manual_seed(seed)
    start = torch.randn(x.shape, generator=source)
    moved = shrunk(x, x + start / rms(start) * epsilon * 0.5, epsilon)
    for _ in range(steps):
        if cancel is not None:
            cancel.check()
        gradient = slope(moved)
        step = gradient / rms(gradient).clamp(min=1e-20)
        moved = shrunk(x, moved + MADRY * epsilon / steps * step, epsilon)
    return moved


def clipped(x: Levels, moved: Levels, epsilon: float) -> Levels:
    """The nearest picture whose values differ from those of x by at most epsilon."""
    return torch.maximum(torch.minimum(moved, x + epsilon), x - epsilon).clamp(0, 255)


def shrunk(x: Levels, moved: Levels, epsilon: float) -> Levels:
    """The change made shorter where its root mean square is more than epsilon."""
    change = moved - x
    factor = (epsilon / rms(change).clamp(min=1e-20)).clamp(max=1.0)
    return (x + change * factor).clamp(0, 255)


def rms(change: Levels) -> Float[Tensor, "n 1 1 1"]:
    """The root of the mean square of each picture's values."""
    return change.square().mean((1, 2, 3), keepdim=True).sqrt()


def whole_levels(x: Levels, moved: Levels, epsilon: float, norm: str) -> Levels:
    """The picture in whole levels, as files keep it, still within the budget of x.

    In L2 the rounding itself costs something: the change is made shorter until it fits.
    """
    change = (moved - x).round()
    if norm == "linf":
        bound = math.floor(epsilon + 1e-6)
        return (x + change.clamp(-bound, bound)).clamp(0, 255)
    share = 1.0
    while share > 0 and float(rms(change).max()) > epsilon:
        share -= 0.02
        change = ((moved - x) * max(share, 0.0)).round()
    return (x + change).clamp(0, 255)
