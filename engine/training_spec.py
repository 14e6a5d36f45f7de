"""The TrainingSpec: a frozen value that a training run depends on, as a picture on its Recipe.

Data, method and seed; canonical form as Recipes have it: RFC 8785, and its SHA-256 is the spec's
name. What a run is at step n follows from its spec and n alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import rfc8785

from engine.errors import RecipeError
from engine.latents import MAX_SEED
from engine.recipe import MAX_BYTES
from engine.schema import Count, Node, Range, Struct

VERSION = 1
PICTURE_STEPS = 10_000
Activation = Literal["relu", "leaky_relu", "tanh"]
Spread = Annotated[float, Range(0.0, 0.3)]
Weight = Annotated[float, Range(0.0, 1000.0)]


class Data(Node):
    """What is learned: points of the plane, about [-1, 1] each way, or pictures."""


@dataclass(frozen=True)
class Ring(Data):
    """Gaussians of deviation `spread` evenly on the unit circle (Metz et al., 2016: 8 of them)."""

    op: ClassVar[str] = "ring"
    modes: Annotated[int, Range(1, 32)] = 8
    spread: Spread = 0.05


@dataclass(frozen=True)
class Grid(Data):
    """side x side Gaussians of deviation `spread` on a square lattice."""

    op: ClassVar[str] = "grid"
    side: Annotated[int, Range(1, 8)] = 5
    spread: Spread = 0.03


@dataclass(frozen=True)
class Spiral(Data):
    """Two arms of so many turns each."""

    op: ClassVar[str] = "spiral"
    turns: Annotated[float, Range(0.25, 4.0)] = 1.25
    spread: Spread = 0.02


@dataclass(frozen=True)
class Moons(Data):
    """Two half circles that reach into each other."""

    op: ClassVar[str] = "moons"
    spread: Spread = 0.04


@dataclass(frozen=True)
class Point(Struct):
    """A place in the plane."""

    x: Annotated[float, Range(-1.5, 1.5)]
    y: Annotated[float, Range(-1.5, 1.5)]


@dataclass(frozen=True)
class Drawn(Data):
    """Points that somebody drew, each with some spread around it."""

    op: ClassVar[str] = "drawn"
    points: Annotated[tuple[Point, ...], Count(1, 4000)]
    spread: Spread = 0.02


@dataclass(frozen=True)
class Portraits(Data):
    """The first `count` drawn heads."""

    op: ClassVar[str] = "portraits"
    count: Annotated[int, Range(64, 100_000)] = 8000
    size_px: Literal[16, 32, 64, 128] = 32


@dataclass(frozen=True)
class Pictures(Data):
    """The user's own pictures: a folder on this machine, cut square and made small."""

    op: ClassVar[str] = "pictures"
    folder: str
    size_px: Literal[16, 32, 64, 128] = 32


class Loss(Node):
    """What generator and discriminator try to make small."""


@dataclass(frozen=True)
class MinMax(Loss):
    """log(1 - D(G(z))) for the generator (Goodfellow et al., 2014)."""

    op: ClassVar[str] = "minmax"


@dataclass(frozen=True)
class NonSaturating(Loss):
    """-log D(G(z)) for the generator (Goodfellow et al., 2014)."""

    op: ClassVar[str] = "non-saturating"


@dataclass(frozen=True)
class Wasserstein(Loss):
    """A critic whose weights are clipped (Arjovsky et al., 2017)."""

    op: ClassVar[str] = "wgan"
    clip: Annotated[float, Range(0.001, 1.0)] = 0.1


@dataclass(frozen=True)
class WassersteinPenalty(Loss):
    """A critic whose slope is held near 1 (Gulrajani et al., 2017)."""

    op: ClassVar[str] = "wgan-gp"
    penalty: Weight = 10.0


@dataclass(frozen=True)
class LeastSquares(Loss):
    """Targets a for made, b for real samples, c for what the generator wants (Mao et al., 2017).

    a = -1, b = 1, c = 0 is the Pearson chi-square case.
    """

    op: ClassVar[str] = "lsgan"
    a: Annotated[float, Range(-2.0, 2.0)] = 0.0
    b: Annotated[float, Range(-2.0, 2.0)] = 1.0
    c: Annotated[float, Range(-2.0, 2.0)] = 1.0


@dataclass(frozen=True)
class EnergyBased(Loss):
    """An autoencoder for a discriminator (Zhao et al., 2016). repelling: what the pulling-away
    term counts."""

    op: ClassVar[str] = "ebgan"
    margin: Annotated[float, Range(0.01, 100.0)] = 1.0
    repelling: Weight = 0.1


@dataclass(frozen=True)
class Hinge(Loss):
    """max(0, 1 - f(x)) + max(0, 1 + f(G(z))) (Lim and Ye, 2017)."""

    op: ClassVar[str] = "hinge"


LOSSES: dict[str, Loss] = {
    loss.op: loss
    for loss in (
        MinMax(), NonSaturating(), Wasserstein(), WassersteinPenalty(), LeastSquares(),
        EnergyBased(), Hinge(),
    )
}  # fmt: skip


def loss_named(name: str) -> Loss:
    """A loss at its usual settings. Raises RecipeError for a name that there is not."""
    if name not in LOSSES:
        raise RecipeError(f"There is no loss called {name[:40]!r}.", f"Use {', '.join(LOSSES)}.")
    return LOSSES[name]


@dataclass(frozen=True)
class Network(Struct):
    """Hidden layers of a network for points; for pictures `width` is that of the largest maps."""

    width: Annotated[int, Range(4, 512)] = 64
    layers: Annotated[int, Range(1, 6)] = 2
    activation: Activation = "leaky_relu"


@dataclass(frozen=True)
class Optimiser(Struct):
    """adam: Kingma and Ba (2015). sgd: plain descent, where beta1 is the momentum."""

    rate: Annotated[float, Range(1e-6, 1.0)] = 1e-3
    beta1: Annotated[float, Range(-0.9, 0.999)] = 0.5
    beta2: Annotated[float, Range(0.0, 0.9999)] = 0.9
    kind: Literal["adam", "sgd"] = "adam"


class Method(Node):
    """How it is learned."""


@dataclass(frozen=True)
class Adversarial(Method):
    """A generator against a discriminator.

    r1: weight of half the squared slope at real samples (Mescheder et al., 2018). d_steps,
    g_steps: steps of each in one step of the run. noise: deviation of the noise that is added to
    all that the discriminator sees (Sønderby et al., 2017). grows: on pictures, both networks
    begin at 4 px and every further size fades in (Karras et al., 2018).
    """

    op: ClassVar[str] = "adversarial"
    loss: Loss = NonSaturating()
    r1: Weight = 0.0
    noise: Annotated[float, Range(0.0, 1.0)] = 0.0
    z_dim: Annotated[int, Range(1, 256)] = 8
    generator: Network = Network()
    discriminator: Network = Network()
    g_optimiser: Optimiser = Optimiser()
    d_optimiser: Optimiser = Optimiser()
    d_steps: Annotated[int, Range(1, 20)] = 1
    g_steps: Annotated[int, Range(1, 20)] = 1
    grows: bool = False

    def validate(self) -> None:
        """Refuse an autoencoder that is to grow."""
        if self.grows and isinstance(self.loss, EnergyBased):
            raise RecipeError(
                "EBGAN's discriminator is an autoencoder, which does not grow.",
                "Choose another loss, or train at the full size from the beginning.",
            )


@dataclass(frozen=True)
class Denoising(Method):
    """Algorithm 1 of Ho et al. (2020). unlabelled: how often the class is left out."""

    op: ClassVar[str] = "denoising"
    schedule: Literal["cosine", "linear"] = "cosine"
    prediction: Literal["epsilon", "x0", "v"] = "epsilon"
    timesteps: Annotated[int, Range(10, 1000)] = 200
    unlabelled: Annotated[float, Range(0.0, 1.0)] = 0.15
    network: Network = Network(width=96, layers=3, activation="leaky_relu")
    optimiser: Optimiser = Optimiser(rate=2e-3, beta1=0.9, beta2=0.99)


@dataclass(frozen=True)
class TrainingSpec(Struct):
    """One training run. steps: where it ends; a lab may go beyond."""

    data: Data = Ring()
    method: Method = Adversarial()
    seed: Annotated[int, Range(0, MAX_SEED)] = 0
    batch: Annotated[int, Range(4, 1024)] = 128
    steps: Annotated[int, Range(1, 1_000_000)] = 3000

    def validate(self) -> None:
        """Refuse points that are to grow."""
        grows = isinstance(self.method, Adversarial) and self.method.grows
        if grows and not isinstance(self.data, Portraits | Pictures):
            raise RecipeError("Points of the plane do not grow.", "Choose pictures.")

    @cached_property
    def canonical(self) -> bytes:
        """The RFC 8785 form, UTF-8."""
        return rfc8785.dumps({"training": VERSION, **self.plain()})

    @cached_property
    def sha256(self) -> str:
        """The spec's name: SHA-256 of the canonical bytes, lower-case hex."""
        return hashlib.sha256(self.canonical).hexdigest()

    @classmethod
    def from_json(cls, text: str | bytes) -> TrainingSpec:
        """Read a spec strictly. Raises RecipeError that names the field that is wrong."""
        if len(text) > MAX_BYTES:
            raise RecipeError(f"A training spec may have {MAX_BYTES} bytes, got {len(text)}.")
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecipeError(f"This is no training spec: {str(error)[:120]}.") from error
        if not isinstance(data, dict) or data.pop("training", None) != VERSION:
            raise RecipeError(f'This is no training spec: it does not say "training": {VERSION}.')
        return cls.read(data, "training")


def picture_method(loss: Loss, grows: bool = False) -> Adversarial:
    """A DCGAN, or a ProGAN that grows, at settings that do for most."""
    calm = not isinstance(loss, Wasserstein | WassersteinPenalty | EnergyBased)
    if grows:  # equalised learning rates: every layer's steps count alike, so they are larger
        both, network, r1 = Optimiser(rate=2e-3, beta1=0.0, beta2=0.99), Network(16), 0.3
    else:
        both, network, r1 = Optimiser(rate=2e-4, beta1=0.5, beta2=0.999), Network(32), 1.0
    return Adversarial(
        loss, r1=r1 if calm else 0.0, z_dim=64, generator=network, discriminator=network,
        g_optimiser=both, d_optimiser=both, grows=grows,
    )  # fmt: skip


def picture_spec(
    folder: Path | None = None,
    size_px: int = 32,
    loss: str | None = None,
    *,
    grows: bool = False,
    steps: int | None = None,
) -> TrainingSpec:
    """A DCGAN, or a ProGAN that grows, on a folder of pictures or on Portraits.

    steps: where it ends, None for PICTURE_STEPS. Raises RecipeError for a size or a loss that
    there is not, and for EBGAN that is to grow.
    """
    data = Portraits(size_px=size_px) if folder is None else Pictures(str(folder), size_px)  # type: ignore[arg-type]
    chosen = NonSaturating() if loss is None else loss_named(loss)
    batch = 16 if grows else 32
    method = picture_method(chosen, grows)
    return TrainingSpec(data, method, batch=batch, steps=steps or PICTURE_STEPS)


def value_at(value: Any, path: str) -> Any:
    """The field at a dotted path, such as "method.loss.penalty"."""
    for name in path.split("."):
        value = getattr(value, name)
    return value


def with_value(value: Any, path: str, new: Any) -> Any:
    """The same value with another field at a dotted path. Raises RecipeError."""
    name, _, rest = path.partition(".")
    return replace(value, **{name: with_value(getattr(value, name), rest, new) if rest else new})
