"""The discriminator of the short game at the end of the lessons, and each family's own loss.

The lessons go on beside it, so that the game sharpens without forgetting; made and drawn pictures
of one batch are those of the lesson.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from engine.gan.discriminator import minibatch_deviation
from engine.gan.layers import LEAK
from engine.training.losses import (
    hinge_discriminator,
    logistic_discriminator,
    nonsaturating_generator,
    r1_penalty,
    wasserstein_critic,
    wasserstein_generator,
)

WIDTHS = (24, 48, 96, 128, 160)  # at the picture's size and at each half of it
GROUP = 4
R1, PENALTY = 0.2, 10.0
LAZY = 8  # a penalty is taken every so many steps, and counts as often

Logits = Float[Tensor, " n"]


class Critic(nn.Module):
    """Convolutions down to 4 px, the deviation within the batch, and one number a picture.

    classes: above 0, what the class's embedding says of the features is added (projection:
    Miyato and Koyama, 2018). bounded: whether every layer is spectrally normalised.
    """

    def __init__(self, resolution: int, classes: int, bounded: bool) -> None:
        super().__init__()
        bound: Callable[[nn.Module], nn.Module] = spectral_norm if bounded else lambda layer: layer
        layers: list[nn.Module] = [bound(nn.Conv2d(3, WIDTHS[0], 3, padding=1))]
        size, depth = resolution, 0
        while size > 4:
            last = len(WIDTHS) - 1
            here, below = WIDTHS[min(depth, last)], WIDTHS[min(depth + 1, last)]
            layers += [nn.LeakyReLU(LEAK), bound(nn.Conv2d(here, below, 4, stride=2, padding=1))]
            size, depth = size // 2, depth + 1
        self.body = nn.Sequential(*layers)
        width = WIDTHS[min(depth, len(WIDTHS) - 1)]
        self.mix = bound(nn.Conv2d(width + 1, width, 3, padding=1))
        self.out = bound(nn.Linear(width * 16, 1))
        self.embed = bound(nn.Embedding(classes, width)) if classes else None

    def forward(self, images: Float[Tensor, "n 3 r r"], c: Int64[Tensor, " n"]) -> Logits:
        """Real above made. Pictures in [-1, 1]."""
        x = F.leaky_relu(self.body(images.contiguous(memory_format=torch.channels_last)), LEAK)
        x = F.leaky_relu(self.mix(minibatch_deviation(x, GROUP)), LEAK)
        logits: Tensor = self.out(x.flatten(1))[:, 0]
        if self.embed is not None:
            logits = logits + (self.embed(c) * x.mean(dim=(2, 3))).sum(dim=1)
        return logits


@dataclass(frozen=True)
class Game:
    """How one family plays. made: the generator's loss. judged: the discriminator's, of real and
    made logits. penalty: "r1", "interpolated" (the gradient's length between real and made
    pictures) or "" for none. bounded: see Critic."""

    made: Callable[[Logits], Tensor]
    judged: Callable[[Logits, Logits], Tensor]
    penalty: str
    bounded: bool


def wasserstein(real: Logits, fake: Logits) -> Float[Tensor, ""]:
    """Real as far above made as the penalty allows, and not far from zero (Karras et al., 2018)."""
    return wasserstein_critic(real, fake) + 0.001 * real.square().mean()


GAMES: Mapping[str, Game] = {
    "dcgan": Game(nonsaturating_generator, logistic_discriminator, "r1", False),
    "progan": Game(wasserstein_generator, wasserstein, "interpolated", False),
    "stylegan1": Game(nonsaturating_generator, logistic_discriminator, "r1", False),
    "stylegan3": Game(nonsaturating_generator, logistic_discriminator, "r1", False),
    "biggan": Game(wasserstein_generator, hinge_discriminator, "", True),
}


def penalty_of(
    game: Game,
    critic: Critic,
    real: Float[Tensor, "n 3 r r"],
    fake: Float[Tensor, "n 3 r r"],
    c: Int64[Tensor, " n"],
) -> Float[Tensor, ""]:
    """What the discriminator's slope costs, weighted for being taken every LAZY steps."""
    if game.penalty == "r1":
        return r1_penalty(lambda x: critic(x, c), real) * (R1 * 0.5 * LAZY)
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = torch.lerp(fake, real, share).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between, c).sum(), between, create_graph=True)
    length = slope.square().sum(dim=(1, 2, 3)).sqrt()
    # Gulrajani et al. (2017), equation 3.
    return (length - 1.0).square().mean() * (PENALTY * LAZY)
