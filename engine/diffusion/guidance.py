"""Guidance as a sum of terms, each with a scale and an interval of steps.

Linear terms are coefficients over what the network says under several conditions, so that any sum
of them costs one batched call. Gradient terms add to the noise -scale * sigma * grad log p, the
score of whatever judges the noisy picture (Dhariwal and Nichol, 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

Condition = Hashable
Coefficients = Mapping[Condition, float]


@dataclass(frozen=True)
class Perturbed:
    """That condition, to a network whose places see nothing but themselves."""

    condition: Condition


@dataclass(frozen=True)
class Unhelped:
    """That condition, without what ControlNets add."""

    condition: Condition


@dataclass(frozen=True)
class Moment:
    """Where a run stands when a gradient is asked for.

    x: alpha x0 + sigma eps, [n, ...]. t: the timestep, maybe fractional. denoise: x to the
    predicted picture under the run's own condition; a gradient passes through it.
    """

    x: Tensor
    t: float
    alpha: float
    sigma: float
    denoise: Callable[[Tensor], Tensor]


class Term(Protocol):
    """One term. key: what its effect depends on, for telling equal steps from unequal ones."""

    @property
    def scale(self) -> float: ...
    @property
    def interval(self) -> tuple[float, float]: ...
    @property
    def key(self) -> Any: ...


@dataclass(frozen=True)
class Linear:
    """A term made of conditions: adds scale * sum(weight * output) to the output."""

    weights: tuple[tuple[Condition, float], ...]
    scale: float
    interval: tuple[float, float] = (0.0, 1.0)

    @property
    def key(self) -> Any:
        return ("linear", self.weights, self.scale)


@dataclass(frozen=True, eq=False)
class Gradient:
    """A term that judges the noisy picture. log_p: a Moment to one number for each picture,
    differentiable in its x. name: what judges, and for what, for `key`."""

    name: str
    log_p: Callable[[Moment], Tensor]
    scale: float
    interval: tuple[float, float] = (0.0, 1.0)

    @property
    def key(self) -> Any:
        return ("gradient", self.name, self.scale)


@dataclass(frozen=True, eq=False)
class Within:
    """A term at work inside the network. around: the network of the run to the one that answers
    at these steps. name: what helps it, and with what, for `key`."""

    name: str
    around: Callable[[Any], Any]
    scale: float
    interval: tuple[float, float] = (0.0, 1.0)

    @property
    def key(self) -> Any:
        return ("within", self.name, self.scale)


def classifier_free(
    given: Condition, without: Condition, scale: float, interval: tuple[float, float] = (0, 1)
) -> Linear:
    """Ho and Salimans (2022) in the usual scale: 1 is the condition alone, 0 is `without`.

    without: no condition, or the negative one to move away from.
    """
    return Linear(((given, 1.0), (without, -1.0)), scale - 1.0, interval)


def two_scale(
    none: Condition,
    image: Condition,
    both: Condition,
    image_scale: float,
    text_scale: float,
    interval: tuple[float, float] = (0, 1),
) -> tuple[Linear, ...]:
    """Image and text guidance of InstructPix2Pix (Brooks et al., 2023, equation 3).

    e = e(none) + image_scale (e(image) - e(none)) + text_scale (e(both) - e(image)), beside a
    base of e(both): scales of 1 and 1 leave it.
    """
    return (
        Linear(((image, 1.0), (none, -1.0)), image_scale - 1.0, interval),
        Linear(((both, 1.0), (image, -1.0)), text_scale - 1.0, interval),
    )


def perturbed_attention(
    given: Condition, scale: float, interval: tuple[float, float] = (0, 1)
) -> Linear:
    """Ahn et al. (2024, equation 13): away from what the network draws without self-attention; 0 is
    off."""
    return Linear(((given, 1.0), (Perturbed(given), -1.0)), scale, interval)


def helping(given: Condition, scale: float, interval: tuple[float, float] = (0, 1)) -> Linear:
    """Away from what would be drawn without ControlNets, as classifier-free guidance is from what
    would be without the condition; 1 leaves them as they are."""
    return Linear(((given, 1.0), (Unhelped(given), -1.0)), scale - 1.0, interval)


def classifier(
    name: str,
    log_probabilities: Callable[[Tensor, float], Tensor],
    index: int,
    scale: float,
    interval: tuple[float, float] = (0, 1),
) -> Gradient:
    """Toward a class of a noise-aware classifier (Dhariwal and Nichol, 2021, Algorithm 1).

    log_probabilities: (x_t, t) to log p(class | x_t), [n, classes].
    """
    return Gradient(
        f"{name}:{index}", lambda m: log_probabilities(m.x, m.t)[:, index], scale, interval
    )


def clip(
    name: str,
    embed: Callable[[Tensor, float], Tensor],
    text: Tensor,
    scale: float,
    interval: tuple[float, float] = (0, 1),
    *,
    through_network: bool = False,
) -> Gradient:
    """Toward a text by the dot product of embeddings (Nichol et al., 2021, section 2.4).

    embed: (picture, t) to embeddings [n, d], of a network that knows noisy pictures: unit vectors,
    or shorter ones where little can be seen. text: the direction, [d]. through_network: embeds the
    predicted picture at t = 0 instead, with the gradient through the U-Net, so that a network that
    knows clean pictures only will do.
    """

    def alike(moment: Moment) -> Tensor:
        if through_network:
            image = embed(moment.denoise(moment.x), 0.0)
        else:
            image = embed(moment.x, moment.t)
        score: Tensor = image @ text
        return score

    return Gradient(name, alike, scale, interval)


def active(terms: Sequence[Term], place: float) -> tuple[Any, ...]:
    """The terms at work at a place in [0, 1) of the run: interval ends are [start, end)."""
    return tuple(t for t in terms if t.scale != 0 and t.interval[0] <= place < t.interval[1])


def coefficients(base: Condition, terms: Sequence[Linear]) -> Coefficients:
    """What every condition counts in the sum; the base is there even when it counts nothing."""
    found: dict[Condition, float] = {base: 1.0}
    for term in terms:
        for condition, weight in term.weights:
            found[condition] = found.get(condition, 0.0) + term.scale * weight
    return {c: w for c, w in found.items() if w != 0 or c == base}


def gradient(terms: Sequence[Gradient], moment: Moment) -> Tensor:
    """The sum of scale * d log p / dx over the terms, [n, ...] as x."""
    with torch.enable_grad():
        x = moment.x.detach().requires_grad_()
        here = Moment(x, moment.t, moment.alpha, moment.sigma, moment.denoise)
        total = torch.stack([term.scale * term.log_p(here).sum() for term in terms]).sum()
        (slope,) = torch.autograd.grad(total, x)
    return slope


def rescale(guided: Tensor, plain: Tensor, amount: float) -> Tensor:
    """Bring the spread of the guided output back to that of the plain one by `amount` in [0, 1]
    (Lin et al., 2024, section 3.4)."""
    axes = tuple(range(1, guided.ndim))
    ratio = plain.std(axes, keepdim=True) / guided.std(axes, keepdim=True)
    return guided * (amount * ratio + (1 - amount))
