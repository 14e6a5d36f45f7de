"""The one denoising loop. Every diffusion picture of this program comes out of `denoise`.

A network answers for a list of conditions at once; guidance mixes the answers; thresholding holds
the predicted picture; a scheduler takes the step. What each step depends on is hashed into a
chain, so that two runs which agree up to step k share their states up to there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from engine.cancel import CancelToken
from engine.denoising import Denoise, Spacing
from engine.diffusion.guidance import (
    Condition,
    Gradient,
    Linear,
    Moment,
    Term,
    Within,
    active,
    coefficients,
    gradient,
    rescale,
)
from engine.diffusion.samplers import SAMPLERS, Name, make_scheduler
from engine.diffusion.schedule import Prediction, Schedule, to_v, to_x0
from engine.diffusion.thresholding import Mode, threshold
from engine.diffusion.trajectory import State, Trajectories
from engine.errors import ModelError


class Network(Protocol):
    """What the loop asks of a model. Conditions are whatever the network itself understands."""

    @property
    def schedule(self) -> Schedule: ...
    @property
    def prediction(self) -> Prediction: ...
    @property
    def digest(self) -> str: ...
    @property
    def bounded(self) -> bool:
        """Whether pictures have the range [-1, 1], which thresholding holds predicted ones in;
        codes, or what an upsampler adds, have none."""
        ...

    def predict(
        self, x: Float[Tensor, "n ..."], t: float, conditions: Sequence[Condition]
    ) -> Float[Tensor, "conditions n ..."]:
        """The network's output under each condition, in one batch. No gradient. Under a schedule
        whose variance is learned, twice the channels of x: what is predicted, then the variance."""
        ...

    def differentiable(
        self, x: Float[Tensor, "n ..."], t: float, condition: Condition
    ) -> Float[Tensor, "n ..."]:
        """As predict for one condition, with a gradient through the network."""
        ...


@dataclass(frozen=True)
class Settings:
    """How to sample. threshold: of a bounded network's pictures. rescale: see guidance.rescale.
    seed: of the noise that random samplers add. bound: of static thresholding, see threshold."""

    sampler: Name = "dpmpp_2m"
    steps: int = 25
    spacing: Spacing = "trailing"
    eta: float = 0.0
    threshold: Mode = "static"
    percentile: float = Denoise.percentile
    rescale: float = 0.0
    seed: int = 0
    bound: float = 1.0


@dataclass(frozen=True, eq=False)
class Step:
    """What a listener hears after each step. x0: the predicted picture [n, ...]."""

    index: int
    count: int
    x0: Tensor


@dataclass(frozen=True, eq=False)
class Hooks:
    """What may listen in or step in. on_step: hears of every step, of those that were at hand,
    too. after_step: gives the x to go on with; its key tells runs apart."""

    on_step: Callable[[Step], None] | None = None
    after_step: Callable[[Tensor, int], Tensor] | None = None
    after_key: str = ""
    cancel: CancelToken = field(default_factory=CancelToken)


NO_HOOKS = Hooks()


@dataclass(frozen=True, eq=False)
class Start:
    """A picture to begin with instead of noise alone (SDEdit; Meng et al., 2022).

    x0: [n, ...], as the network's pictures are. strength: the share of the steps that are gone
    through, in [0, 1]; at least one is. only: 1 where it is drawn anew, 0 where it stays, [1, 1,
    ...]; after every step what stays is put back, with the noise of that step (Lugmayr et al.,
    2022). key: names picture and mask.
    """

    x0: Tensor
    strength: float
    key: str = ""
    only: Tensor | None = None


@torch.no_grad()
def denoise(
    network: Network,
    noise: Float[Tensor, "n ..."],
    condition: Condition,
    terms: Sequence[Term] = (),
    settings: Settings = Settings(),
    hooks: Hooks = NO_HOOKS,
    memory: Trajectories | None = None,
    noise_key: str = "",
    start: Start | None = None,
) -> Float[Tensor, "n ..."]:
    """From noise of unit variance to pictures, nominally in [-1, 1].

    memory: keeps states and is asked for the last one that this run shares with an earlier one;
    noise_key then names the noise. start: the noise is then added to its picture. Raises
    Cancelled between two steps, RecipeError for a sampler the model cannot use, ModelError when the
    network's output is not finite.
    """
    run = _Run(network, condition, terms, settings)
    first = 0 if start is None else run.place_of(start.strength)
    about = "" if start is None else f"{first}:{start.key}"
    keys = run.keys(noise_key, hooks.after_key, about)[first:]
    done, state = (-1, None) if memory is None else memory.latest(keys)
    if state is None:
        state = run.first(noise) if start is None else run.between(start.x0, noise, first)
    else:
        run.resume(state)
        if hooks.on_step is not None:
            assert memory is not None
            for index in range(done + 1):
                hooks.on_step(Step(index, len(keys), memory.picture(keys[index])))
    x = state.x
    for index in range(done + 1, len(keys)):
        hooks.cancel.check()
        x, x0 = run.step(x, first + index)
        if start is not None and start.only is not None:
            x = torch.where(start.only > 0, x, run.known(start.x0, noise, first + index + 1))
        if hooks.after_step is not None:
            x = hooks.after_step(x, first + index)
        if memory is not None:
            memory.keep(keys[index], run.state(x, x0))
        if hooks.on_step is not None:
            hooks.on_step(Step(index, len(keys), x0))
    return x


class _Run:
    """One run: the scheduler, the random numbers, and what a step is."""

    def __init__(
        self, network: Network, condition: Condition, terms: Sequence[Term], settings: Settings
    ) -> None:
        if not network.bounded:
            settings = replace(settings, threshold="none")
        self.network, self.condition, self.settings = network, condition, settings
        self.terms = tuple(terms)
        self.scheduler = make_scheduler(
            settings.sampler, network.schedule, settings.spacing, settings.steps
        )
        self.times = [float(t) for t in self.scheduler.timesteps]
        self.rng = torch.Generator().manual_seed(settings.seed)
        self.options: dict[str, Any] = {}
        if SAMPLERS[settings.sampler].random or settings.sampler == "ddim":
            self.options["generator"] = self.rng
        if settings.sampler == "ddim":
            self.options["eta"] = settings.eta

    def keys(self, noise_key: str, after_key: str, start_key: str = "") -> list[str]:
        """A chain of digests: each names everything that the state after its step depends on."""
        about = (
            noise_key, after_key, start_key, self.network.digest, self.condition, self.settings,
        )  # fmt: skip
        chain = hashlib.sha256(repr(about).encode())
        keys = []
        for index in range(len(self.times)):
            at_work = [term.key for term in active(self.terms, self.place(index))]
            chain.update(repr(at_work).encode())
            keys.append(chain.hexdigest())
        return keys

    def place(self, index: int) -> float:
        """Where in the run a step lies, in [0, 1). Both halves of a Heun step lie together."""
        calls = SAMPLERS[self.settings.sampler].calls
        return (index // calls) / self.settings.steps

    def first(self, noise: Tensor) -> State:
        """The state before the first step."""
        return self.state(noise * float(self.scheduler.init_noise_sigma), torch.zeros(()))

    def place_of(self, strength: float) -> int:
        """The index of the step that such a share of all steps begins with."""
        steps = self.settings.steps
        return (steps - max(1, round(strength * steps))) * SAMPLERS[self.settings.sampler].calls

    def between(self, x0: Tensor, noise: Tensor, index: int) -> State:
        """The state before a step, with this picture in the noise."""
        if hasattr(self.scheduler, "set_begin_index"):
            self.scheduler.set_begin_index(index)
        return self.state(self.known(x0, noise, index), torch.zeros(()))

    def known(self, x0: Tensor, noise: Tensor, index: int) -> Tensor:
        """The x before a step that has this picture in it; the picture itself after the last."""
        if index == len(self.times):
            return x0
        alpha, sigma = self.level(index)
        # What the scheduler keeps is a multiple of what the network sees.
        time = self.scheduler.timesteps[index]
        share = self.scheduler.scale_model_input(torch.ones(()), time)
        found: Tensor = (alpha * x0 + sigma * noise) / share
        return found

    def state(self, x: Tensor, x0: Tensor) -> State:
        """Everything to go on from. Schedulers replace their tensors and change their lists."""
        kept = {k: list(v) if isinstance(v, list) else v for k, v in vars(self.scheduler).items()}
        return State(x, x0, kept, self.rng.get_state())

    def resume(self, state: State) -> None:
        """Go on from a state."""
        for name, value in state.scheduler.items():
            setattr(self.scheduler, name, list(value) if isinstance(value, list) else value)
        self.rng.set_state(state.rng)

    def step(self, x: Tensor, index: int) -> tuple[Tensor, Tensor]:
        """The x after the step, and the picture predicted before it."""
        time = self.scheduler.timesteps[index]
        inside = self.scheduler.scale_model_input(x, time)
        alpha, sigma = self.level(index)
        x0, spread = self.guided(inside, float(time), alpha, sigma, self.place(index))
        if not bool(torch.isfinite(x0).all()):
            raise ModelError(
                f"The network's output at step {index + 1} holds values that are not finite.",
                "Check the model's weights, or lower the guidance.",
            )
        v = to_v(x0, inside, alpha, sigma)
        if spread is not None and self.settings.sampler == "ddpm":
            v = torch.cat([v, spread.to(v)], dim=1)  # the scheduler parts them again
        after = self.scheduler.step(v, time, x, return_dict=False, **self.options)[0]
        return after, x0

    def level(self, index: int) -> tuple[float, float]:
        """alpha and sigma of the x that the network sees at a step."""
        sigmas = getattr(self.scheduler, "sigmas", None)
        if sigmas is None:
            kept = float(self.scheduler.alphas_cumprod[int(self.times[index])])
            return kept**0.5, (1 - kept) ** 0.5
        sigma = float(sigmas[index])
        alpha = (1 + sigma * sigma) ** -0.5
        return alpha, sigma * alpha

    def guided(
        self, x: Tensor, t: float, alpha: float, sigma: float, place: float
    ) -> tuple[Tensor, Tensor | None]:
        """The picture that the network predicts, guided and thresholded, and what it says of the
        variance under the run's own condition, where it does."""
        network, settings = self.network, self.settings
        terms = active(self.terms, place)
        linear = [term for term in terms if isinstance(term, Linear)]
        slopes = [term for term in terms if isinstance(term, Gradient)]
        for term in terms:
            if isinstance(term, Within):
                network = term.around(network)
        weights = coefficients(self.condition, linear)
        outputs, spread = network.predict(x, t, tuple(weights)), None
        if network.schedule.variance == "learned_range":
            outputs, spreads = _parted(outputs, x.shape[1])
            spread = spreads[list(weights).index(self.condition)]
        shares = torch.tensor(list(weights.values()), dtype=outputs.dtype)
        output = torch.tensordot(shares, outputs, 1)
        if settings.rescale and linear:
            plain = outputs[list(weights).index(self.condition)]
            output = rescale(output, plain, settings.rescale)
        x0 = to_x0(network.prediction, output, x, alpha, sigma)
        if slopes:

            def picture(x: Tensor) -> Tensor:
                out = network.differentiable(x, t, self.condition)
                seen: Tensor = to_x0(network.prediction, out, x, alpha, sigma)
                return seen

            # eps - sigma * slope, seen as a picture (Dhariwal and Nichol, 2021, Algorithm 2).
            slope = gradient(slopes, Moment(x, t, alpha, sigma, picture))
            x0 = x0 + sigma * sigma / alpha * slope
        return threshold(x0, settings.threshold, settings.percentile, settings.bound), spread


def _parted(outputs: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """What is predicted, and what is said of the variance."""
    if outputs.shape[2] != 2 * channels:
        raise ModelError(
            f"The model's card says that its variance is learned, but it answers with "
            f"{outputs.shape[2]} channels for {channels}.",
            "Import the model again.",
        )
    return outputs[:, :, :channels], outputs[:, :, channels:]
