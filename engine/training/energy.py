"""EBGAN's discriminator for pictures: a convolutional autoencoder (Zhao et al., 2016).

It has no layer of a fixed size, so that it judges pictures of every size from 16 px on, as they
grow. The energy of a picture is the mean squared error of its reconstruction.
"""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

LEAK = 0.2
HALVINGS = 3
CODES = 16  # maps in the middle, at an eighth of the size


class EnergyJudge(nn.Module):
    """width: maps after the first convolution; they double at every halving but the last."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [3, *(width << k for k in range(HALVINGS - 1)), CODES]
        down: list[nn.Module] = []
        up: list[nn.Module] = []
        for index, (fan_in, out) in enumerate(pairwise(widths)):
            down.append(nn.Conv2d(fan_in, out, 4, 2, 1))
            up.insert(0, nn.ConvTranspose2d(out, fan_in, 4, 2, 1))
            if index < HALVINGS - 1:
                down.append(nn.LeakyReLU(LEAK))
                up.insert(0, nn.LeakyReLU(LEAK))
        self.encoder = nn.Sequential(*down)
        self.decoder = nn.Sequential(*up)

    def forward(
        self, image: Float[Tensor, "n 3 s s"], top_gain: float = 1.0
    ) -> Float[Tensor, " n"]:
        """Energies, 0 and up. top_gain: of a StyleGAN2 discriminator; nothing fades in here."""
        back = self.decoder(self.encoder(image))
        return F.mse_loss(back, image, reduction="none").mean(dim=(1, 2, 3)).float()

    def codes(self, image: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n d"]:
        """What stands in the middle, flat."""
        found: Tensor = self.encoder(image).flatten(1)
        return found.float()
