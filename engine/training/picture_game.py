"""A DCGAN (Radford et al., 2015) trained with any of the losses."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.errors import TrainingError
from engine.gan.dcgan import DEVIATION, Generator
from engine.gan.dcgan_config import DCGANConfig
from engine.models.family import Config
from engine.training import losses, rules
from engine.training.ema import ema_keep, ema_update
from engine.training.energy import EnergyJudge
from engine.training_spec import Adversarial, Optimiser, Pictures, Portraits, TrainingSpec

LEAK = 0.2
EMA_IMAGES = 4000
EMA_RAMPUP = 0.05


@dataclass(frozen=True)
class Whole:
    """A generator that can be kept, and its shape."""

    config: Config
    generator: nn.Module


def picture_size(spec: TrainingSpec) -> int:
    """The side of a spec's pictures. Raises TrainingError for a spec of something else."""
    if not isinstance(spec.method, Adversarial) or not isinstance(spec.data, Portraits | Pictures):
        raise TrainingError("A DCGAN learns pictures, by a game.", "Choose pictures and a loss.")
    return spec.data.size_px


def config_of(spec: TrainingSpec) -> DCGANConfig:
    """The generator of a spec: its widest maps at 4 px, half as many at every doubling."""
    doublings = picture_size(spec).bit_length() - 3
    method = spec.method
    assert isinstance(method, Adversarial)
    width = method.generator.width
    channels = tuple(width << k for k in reversed(range(doublings)))
    return DCGANConfig(z_dim=method.z_dim, channels=channels, rgb_bias=True)


class PictureJudge(nn.Module):
    """Strided convolutions to one number. Batch norm as in the paper, but none where the loss
    looks at the slope at single pictures (Gulrajani et al., 2017, section 4)."""

    def __init__(self, size: int, width: int, norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        fan_in = 3
        for index in range(size.bit_length() - 3):
            out = width << index
            layers.append(nn.Conv2d(fan_in, out, 4, 2, 1, bias=not norm or index == 0))
            if norm and index > 0:
                layers.append(nn.BatchNorm2d(out))
            layers.append(nn.LeakyReLU(LEAK, inplace=True))
            fan_in = out
        self.main = nn.Sequential(*layers, nn.Conv2d(fan_in, 1, 4))
        for layer in self.main:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0.0, DEVIATION)

    def forward(self, image: Float[Tensor, "n 3 s s"]) -> Float[Tensor, " n"]:
        logits: Tensor = self.main(image)
        return logits[:, 0, 0, 0]


class PictureGame:
    """Both networks, their optimisers and the generator's moving average.

    A game of another kind says what it does otherwise: `networks` to `whole`.
    """

    config: Config

    def __init__(self, spec: TrainingSpec) -> None:
        self.spec = spec
        self.size_px = picture_size(spec)
        assert isinstance(spec.method, Adversarial)
        method = self.method = spec.method
        torch.manual_seed(spec.seed)
        self.config, self.generator, self.judge = self.networks()
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.g_steps = _optimiser(method.g_optimiser, self.generator)
        self.d_steps = _optimiser(method.d_optimiser, self.judge)
        self.images = self.steps = 0

    @property
    def words(self) -> str:
        """What is special about the next step, if anything."""
        return ""

    @property
    def marks(self) -> tuple[tuple[float, str], ...]:
        """Places of the run that curves should mark, counted in images, and their words."""
        return ()

    def work(self, step: int) -> float:
        """What the first `step` steps cost; in which unit does not matter."""
        return float(step)

    def networks(self) -> tuple[Config, nn.Module, nn.Module]:
        """The generator's shape, the generator and the discriminator, fresh."""
        config, method = config_of(self.spec), self.method
        width = method.discriminator.width
        if rules.judges_by_energy(method.loss):
            return config, Generator(config), EnergyJudge(width)
        slopes = method.r1 > 0 or rules.penalty_weight(method.loss) > 0
        return config, Generator(config), PictureJudge(config.resolution, width, norm=not slopes)

    def made(self, generator: nn.Module, z: Float[Tensor, "n z"]) -> Float[Tensor, "n 3 r r"]:
        """Pictures as the discriminator is to see them."""
        images: Tensor = generator(z)
        return images

    def judged(self, images: Float[Tensor, "n 3 r r"]) -> Float[Tensor, " n"]:
        """The discriminator's answers."""
        answers: Tensor = self.judge(images)
        return answers

    def real(self, images: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 r r"]:
        """Real pictures as the discriminator is to see them."""
        return images

    @torch.no_grad()
    def shown(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n 3 s s"]:
        """What the average makes, at the full size."""
        return self.made(self.average, z)

    def whole(self) -> Whole:
        """The average, to be kept."""
        return Whole(self.config, self.average)

    def step(self, draw: Any) -> tuple[float, float]:
        """d_steps and g_steps on real pictures that draw(n) gives; the last losses of D and G."""
        batch = self.spec.batch
        for _ in range(self.method.d_steps):
            loss_d = self._train_judge(self.real(draw(batch)))
        for _ in range(self.method.g_steps):
            loss_g = self._train_generator()
        self.images += batch
        self.steps += 1
        ema_update(
            self.average, self.generator, ema_keep(batch, self.images, EMA_IMAGES, EMA_RAMPUP)
        )
        return loss_d, loss_g

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs to go on exactly as it would have."""
        return {
            "generator": self.generator.state_dict(),
            "judge": self.judge.state_dict(),
            "average": self.average.state_dict(),
            "g_steps": self.g_steps.state_dict(),
            "d_steps": self.d_steps.state_dict(),
            "images": self.images,
            "steps": self.steps,
            "random": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.generator.load_state_dict(state["generator"])
        self.judge.load_state_dict(state["judge"])
        self.average.load_state_dict(state["average"])
        self.g_steps.load_state_dict(state["g_steps"])
        self.d_steps.load_state_dict(state["d_steps"])
        self.images, self.steps = state["images"], state["steps"]
        torch.set_rng_state(state["random"])

    def _z(self, n: int) -> Tensor:
        return torch.randn(n, self.config.z_dim)

    def _seen(self, images: Tensor) -> Tensor:
        noise = self.method.noise
        return images + noise * torch.randn_like(images) if noise else images

    def _train_judge(self, real: Tensor) -> float:
        method = self.method
        with torch.no_grad():
            fake = self._seen(self.made(self.generator, self._z(len(real))))
        real = self._seen(real)
        loss = rules.discriminator_loss(method.loss, self.judged(real), self.judged(fake))
        told = loss.item()
        if weight := rules.penalty_weight(method.loss):
            between = torch.rand(len(real))
            loss = loss + weight * losses.gradient_penalty(self.judged, real, fake, between)
        if method.r1:
            loss = loss + 0.5 * method.r1 * losses.r1_penalty(self.judged, real)
        _descend(self.d_steps, loss)
        limit = rules.clip_limit(method.loss)
        if limit is not None:
            losses.clip_weights(self.judge.parameters(), limit)
        return told

    def _train_generator(self) -> float:
        method = self.method
        self.judge.requires_grad_(False)
        fake = self._seen(self.made(self.generator, self._z(self.spec.batch)))
        loss = rules.generator_loss(method.loss, self.judged(fake))
        told = loss.item()
        if (weight := rules.repelling_weight(method.loss)) and isinstance(self.judge, EnergyJudge):
            loss = loss + weight * losses.repelling(self.judge.codes(fake))
        _descend(self.g_steps, loss)
        self.judge.requires_grad_(True)
        return told


def _optimiser(wanted: Optimiser, network: nn.Module) -> torch.optim.Optimizer:
    if wanted.kind == "sgd":
        return torch.optim.SGD(network.parameters(), wanted.rate, max(0.0, wanted.beta1))
    betas = (max(0.0, float(wanted.beta1)), float(wanted.beta2))
    return torch.optim.Adam(network.parameters(), wanted.rate, betas)


def _descend(steps: torch.optim.Optimizer, loss: Tensor) -> None:
    steps.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    steps.step()


def batch_of(pictures: Any, n: int) -> Float[Tensor, "n 3 s s"]:
    """n random pictures of uint8 [m, 3, s, s] as float32 [-1, 1], half of them mirrored."""
    picked = torch.randint(0, len(pictures), (n,)).numpy()
    images = torch.from_numpy(pictures[picked]).float() / 127.5 - 1.0
    mirrored = torch.rand(n) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)
