"""How a picture drowns in noise: x_t = alpha_t x0 + sigma_t eps, alpha_t^2 + sigma_t^2 = 1.

Everything here is float64 and knows no network. The three things that a network may predict are
one thing seen from three sides; `to_x0` and `to_v` turn one into the other.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64

from engine.errors import ModelError

Kind = Literal["cosine", "linear", "scaled_linear"]
Prediction = Literal["epsilon", "x0", "v"]
Variance = Literal["fixed_small", "fixed_large", "learned_range"]
STEPS = 1000
_MOST_BETA = 0.999


@dataclass(frozen=True)
class Schedule:
    """The noise of each of `steps` training timesteps.

    kind: "cosine" (Nichol and Dhariwal, 2021), "linear" (Ho et al., 2020) or "scaled_linear", where
    the root of beta rises in a line (Rombach et al., 2022). first, last: the betas of the last two
    at their ends, for 1000 steps. most_beta: no step adds more variance than this; the published
    cosine schedule has 0.999, which leaves so little picture at the end (sigma / alpha = 20,000)
    that samplers which space by sigma waste most of their steps there; 0.1 ends at 90. variance:
    of the noise that DDPM adds, the posterior's ("fixed_small") or beta itself (Ho et al., 2020,
    section 3.2), or between them as the network says in as many channels more ("learned_range";
    Nichol and Dhariwal, 2021, equation 15). offset: what the spacing "leading" adds to every
    timestep. Raises ModelError for another kind or for fewer than two steps.
    """

    kind: Kind = "cosine"
    steps: int = STEPS
    most_beta: float = _MOST_BETA
    first: float = 1e-4
    last: float = 0.02
    variance: Variance = "fixed_small"
    offset: int = 0

    def __post_init__(self) -> None:
        fits = 2 <= self.steps <= 100_000 and 0 < self.most_beta < 1
        fits = fits and 0 < self.first <= self.last < 1
        fits = fits and self.variance in get_args(Variance)
        fits = fits and type(self.offset) is int and 0 <= self.offset < self.steps
        if self.kind not in get_args(Kind) or not fits:
            raise ModelError(
                f"A noise schedule is {', '.join(get_args(Kind))} with 2 to 100000 steps, got "
                f"{str(self.kind)[:40]!r} with {self.steps} and betas of {self.first} to "
                f"{self.last} below {self.most_beta}.",
                "Restore the model's card.",
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, for a card."""
        return asdict(self)

    @cached_property
    def betas(self) -> Float64[np.ndarray, " steps"]:
        """The variance that each step adds, in (0, 1)."""
        if self.kind != "cosine":
            scale = 1000 / self.steps
            low, high = scale * self.first, min(scale * self.last, self.most_beta)
            if self.kind == "linear":
                return np.linspace(low, high, self.steps)
            return np.asarray(np.linspace(low**0.5, high**0.5, self.steps) ** 2)
        kept = np.array([_cosine(t / self.steps) for t in range(self.steps + 1)])
        betas: Float64[np.ndarray, " steps"] = np.minimum(1 - kept[1:] / kept[:-1], self.most_beta)
        return betas

    @cached_property
    def alphas_cumprod(self) -> Float64[np.ndarray, " steps"]:
        """The share of the picture's variance that is left: alpha_t^2."""
        kept: Float64[np.ndarray, " steps"] = np.cumprod(1 - self.betas)
        return kept

    @cached_property
    def alphas(self) -> Float64[np.ndarray, " steps"]:
        """The factor of the picture in x_t."""
        return np.asarray(np.sqrt(self.alphas_cumprod))

    @cached_property
    def sigmas(self) -> Float64[np.ndarray, " steps"]:
        """The factor of the noise in x_t."""
        return np.asarray(np.sqrt(1 - self.alphas_cumprod))

    @cached_property
    def snr(self) -> Float64[np.ndarray, " steps"]:
        """Signal to noise, alpha^2 / sigma^2."""
        return np.asarray(self.alphas_cumprod / (1 - self.alphas_cumprod))


def _cosine(t: float) -> float:
    return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2


def to_x0(kind: Prediction, output: Any, x: Any, alpha: Any, sigma: Any) -> Any:
    """The picture that a network's output stands for, given x = alpha x0 + sigma eps."""
    if kind == "x0":
        return output
    if kind == "epsilon":
        return (x - sigma * output) / alpha
    return alpha * x - sigma * output


def to_eps(x0: Any, x: Any, alpha: Any, sigma: Any) -> Any:
    """The noise in x, given the picture in it. sigma above 0."""
    return (x - alpha * x0) / sigma


def to_v(x0: Any, x: Any, alpha: Any, sigma: Any) -> Any:
    """v = alpha eps - sigma x0 (Salimans and Ho, 2022), given the picture. sigma above 0."""
    return (alpha * x - x0) / sigma


def from_x0(kind: Prediction, x0: Any, x: Any, alpha: Any, sigma: Any) -> Any:
    """What a network of that kind would have put out for this picture."""
    if kind == "x0":
        return x0
    return to_eps(x0, x, alpha, sigma) if kind == "epsilon" else to_v(x0, x, alpha, sigma)


def target(kind: Prediction, x0: Any, eps: Any, alpha: Any, sigma: Any) -> Any:
    """What a network learns to put out (Algorithm 1 of Ho et al., 2020, for epsilon)."""
    if kind == "x0":
        return x0
    return eps if kind == "epsilon" else alpha * eps - sigma * x0


def min_snr_weights(
    schedule: Schedule, kind: Prediction, gamma: float = 5.0
) -> Float64[np.ndarray, " steps"]:
    """The weight of each timestep's squared error (min-SNR; Hang et al., 2023).

    In units of the x0 error it is min(SNR, gamma) whatever the network predicts.
    """
    snr = schedule.snr
    capped = np.minimum(snr, gamma)
    return np.asarray({"x0": capped, "epsilon": capped / snr, "v": capped / (snr + 1)}[kind])
