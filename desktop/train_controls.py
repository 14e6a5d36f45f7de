"""The table of the Train page's controls: which field of the state each one is, and its range.

A control shows only where the state has its field, so that one table serves every loss and both
methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from desktop.train_state import TrainState
from engine.comparing import SAMPLER_TITLES, SPACING_TITLES
from engine.denoising import SPACINGS
from engine.training_spec import value_at

ACTIVATIONS = (("leaky_relu", "Leaky ReLU"), ("relu", "ReLU"), ("tanh", "Tanh"))
KINDS = (("adam", "Adam"), ("sgd", "Descent"))


@dataclass(frozen=True)
class Number:
    """A slider. unit: what the value is divided by for showing. whole: no fractions."""

    path: str
    title: str
    tip: str
    low: float
    high: float
    default: float
    step: float = 0.05
    decimals: int = 2
    unit: float = 1.0
    beyond: tuple[float, float] | None = None

    @property
    def whole(self) -> bool:
        """Whether it counts things."""
        return self.decimals == 0


@dataclass(frozen=True)
class Pick:
    """A menu of keys and words."""

    path: str
    title: str
    tip: str
    choices: tuple[tuple[str, str], ...]
    whole: bool = False


Control = Number | Pick


def _count(path: str, title: str, tip: str, low: int, high: int, default: int) -> Number:
    return Number(path, title, tip, low, high, default, 1, 0)


def _rate(path: str, title: str, tip: str, default: float) -> Number:
    return Number(
        path, title, f"{tip}, in thousandths", 0.05, 10, default, 0.05, 3, 1e-3, (0.001, 1000)
    )


SIZES = tuple((str(px), f"{px} px") for px in (16, 32, 64, 128))
DATA = (
    Pick("data.size_px", "Size", "Side of the pictures; small ones learn fast", SIZES, whole=True),
    _count("data.count", "Pictures", "How many portraits are drawn", 500, 20000, 8000),
    _count("data.modes", "Modes", "How many Gaussians stand on the ring", 1, 32, 8),
    _count("data.side", "Side", "Gaussians along each side of the grid", 1, 8, 5),
    Number("data.turns", "Turns", "How often each arm winds", 0.25, 4, 1.25),
    Number("data.spread", "Spread", "Deviation around each mode or place", 0, 0.2, 0.05, 0.005, 3,
           beyond=(0, 0.3)),
    _count("seed", "Seed", "Of every random number in the run; both lanes share it", 0, 999, 0),
    _count("steps", "Steps", "Where the run ends; points may go beyond", 500, 20000, 3000),
    _count("batch", "Batch", "Real and generated points in one step", 8, 512, 128),
)  # fmt: skip
LOSS = (
    Number("method.loss.clip", "Clip", "Where the critic's weights are held", 0.01, 0.5, 0.1, 0.01,
           3, beyond=(0.001, 1)),
    Number("method.loss.penalty", "Penalty", "Weight of (|slope| − 1)²", 0, 20, 10, 0.1, 2,
           beyond=(0, 1000)),
    Number("method.loss.a", "a (made)", "Where made points are pushed by D", -2, 2, 0),
    Number("method.loss.b", "b (real)", "Where real points are pushed by D", -2, 2, 1),
    Number("method.loss.c", "c (wanted)", "Where G wants its points; Pearson: a −1, b 1, c 0", -2,
           2, 1),
    Number("method.loss.margin", "Margin", "Energy up to which made points are pushed", 0.1, 5, 1,
           beyond=(0.01, 100)),
    Number("method.loss.repelling", "Repelling", "Weight of the pulling-away term", 0, 2, 0.1,
           beyond=(0, 1000)),
    Number("method.r1", "R1", "Weight of half the squared slope at real points", 0, 5, 0, 0.05, 2,
           beyond=(0, 1000)),
    Number("method.noise", "Noise", "Added to all that D sees", 0, 0.5, 0, 0.01, 2, beyond=(0, 1)),
)  # fmt: skip
GAME = (
    Pick("method.g_optimiser.kind", "G optimiser", "How the generator goes down", KINDS),
    _rate("method.g_optimiser.rate", "G rate ×10⁻³", "Learning rate of the generator", 1),
    Number("method.g_optimiser.beta1", "G beta 1", "Adam's first beta; the momentum of descent",
           0, 0.99, 0.5, 0.01, 3, beyond=(-0.9, 0.999)),
    Number("method.g_optimiser.beta2", "G beta 2", "Adam's second beta", 0, 0.999, 0.9, 0.01, 3,
           beyond=(0, 0.9999)),
    _count("method.g_steps", "G steps", "Steps of the generator in one step", 1, 10, 1),
    Pick("method.d_optimiser.kind", "D optimiser", "How the discriminator goes down", KINDS),
    _rate("method.d_optimiser.rate", "D rate ×10⁻³", "Learning rate of the discriminator", 1),
    Number("method.d_optimiser.beta1", "D beta 1", "Adam's first beta; the momentum of descent",
           0, 0.99, 0.5, 0.01, 3, beyond=(-0.9, 0.999)),
    Number("method.d_optimiser.beta2", "D beta 2", "Adam's second beta", 0, 0.999, 0.9, 0.01, 3,
           beyond=(0, 0.9999)),
    _count("method.d_steps", "D steps", "Steps of the discriminator in one step", 1, 10, 1),
    Pick("method.optimiser.kind", "Optimiser", "How the network goes down", KINDS),
    _rate("method.optimiser.rate", "Rate ×10⁻³", "Learning rate", 2),
    Number("method.optimiser.beta1", "Beta 1", "Adam's first beta", 0, 0.99, 0.9, 0.01, 3),
    Number("method.optimiser.beta2", "Beta 2", "Adam's second beta", 0, 0.999, 0.99, 0.01, 3),
)  # fmt: skip
NETWORKS = (
    _count("method.z_dim", "z", "Numbers that a generated point begins with", 1, 64, 8),
    _count("method.generator.width", "G width", "Neurons in a layer of the generator", 4, 256, 64),
    _count("method.generator.layers", "G layers", "Hidden layers of the generator", 1, 6, 2),
    Pick("method.generator.activation", "G activation", "Between the layers", ACTIVATIONS),
    _count("method.discriminator.width", "D width", "Neurons in a layer", 4, 256, 64),
    _count("method.discriminator.layers", "D layers", "Hidden layers", 1, 6, 2),
    Pick("method.discriminator.activation", "D activation", "Between the layers", ACTIVATIONS),
    Pick(
        "method.prediction",
        "Predicts",
        "What the network puts out",
        (("epsilon", "The noise"), ("x0", "The point"), ("v", "v")),
    ),
    Pick(
        "method.schedule",
        "Schedule",
        "How points drown in noise",
        (("cosine", "Cosine"), ("linear", "Linear")),
    ),
    _count("method.timesteps", "Timesteps", "Steps from data to noise", 10, 1000, 200),
    Number("method.unlabelled", "Unlabelled", "How often the class is left out", 0, 1, 0.15),
    _count("method.network.width", "Width", "Neurons in a layer", 4, 256, 96),
    _count("method.network.layers", "Layers", "Hidden layers", 1, 6, 3),
    Pick("method.network.activation", "Activation", "Between the layers", ACTIVATIONS),
)
SAMPLING = (
    Pick("sampling.sampler", "Sampler", "How noise is turned into points",
         tuple((k, v) for k, v in SAMPLER_TITLES.items() if k != "lcm")),
    Pick("sampling.spacing", "Spacing", "How the steps are spread over the noise",
         tuple(SPACING_TITLES.items())),
    _count("sampling.steps", "Steps", "From noise to points", 1, 100, 20),
    Number("sampling.eta", "Eta", "The noise that DDIM adds: 0 none, 1 as much as DDPM", 0, 1, 0),
    Number("sampling.guidance", "Guidance", "Classifier-free scale; 1 is the class alone", 0, 10, 1,
           0.1),
    Number("sampling.classifier", "Classifier", "Scale of the noise-aware classifier's gradient",
           0, 20, 0, 0.1),
)  # fmt: skip


def value_of(state: TrainState, path: str) -> Any:
    """The field of a control, or None where the state has no such field."""
    root: Any = state if path.startswith("sampling.") else state.spec
    try:
        return value_at(root, path)
    except AttributeError:
        return None


def applies(state: TrainState, path: str) -> bool:
    """Whether a control has anything to say now."""
    if state.pictures and path.endswith((".layers", ".activation")):
        return False
    if value_of(state, path) is None:
        return False
    if path == "sampling.eta":
        return state.sampling.sampler == "ddim"
    if path in ("sampling.guidance", "sampling.classifier"):
        return state.sampling.label is not None
    if path == "method.r1":
        return value_of(state, "method.loss.margin") is None
    if path.endswith(".beta2"):
        return bool(value_of(state, path.replace("beta2", "kind")) == "adam")
    return True


def choices_of(state: TrainState, control: Pick) -> tuple[tuple[str, str], ...]:
    """What a menu offers now."""
    if control.path == "sampling.spacing":
        known = SPACINGS[state.sampling.sampler]
        return tuple(choice for choice in control.choices if choice[0] in known)
    return control.choices
