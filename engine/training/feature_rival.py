"""A second rival that looks at pictures through a trained network's features.

A discriminator that starts from nothing needs long to learn what an eye or a pair of glasses is.
Small heads on the frozen features of the attribute network know from the first step, which brings
the generator to whole faces several times sooner (Sauer et al., 2021; Kumari et al., 2022). The
StyleGAN2 discriminator plays beside it unchanged.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.errors import TrainingError
from engine.gan.layers import LEAK
from engine.perception.attributes import SIZE, AttributeNetwork
from engine.perception.reader import open_reader

# The ReLU outputs that are judged: 32, 16, 8 and 4 px.
TAPS = (5, 11, 14, 17)
WIDTH = 64


class Head(nn.Module):
    """Logits at every place of one feature map; spectrally normalised (Miyato et al., 2018)."""

    bound: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, WIDTH, 1)
        self.look = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.out = nn.Conv2d(WIDTH, 1, 1)
        self.register_buffer("bound", torch.ones(3))

    @torch.no_grad()
    def refresh(self) -> None:
        """Measure the largest singular values anew, once a step and not in each thread."""
        for index, layer in enumerate((self.mix, self.look, self.out)):
            self.bound[index] = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n h*w"]:
        x = F.conv2d(x, self.mix.weight / self.bound[0], self.mix.bias)
        x = F.leaky_relu(x, LEAK)
        x = F.conv2d(x, self.look.weight / self.bound[1], self.look.bias, padding=1)
        x = F.leaky_relu(x, LEAK)
        return F.conv2d(x, self.out.weight / self.bound[2], self.out.bias).flatten(1)


class FeatureRival(nn.Module):
    """Frozen features and one head a scale, each with the same say."""

    def __init__(self, network: AttributeNetwork) -> None:
        super().__init__()
        self.body = network.body.eval().requires_grad_(False)
        with torch.no_grad():
            maps = self.features(torch.zeros(1, 3, SIZE, SIZE))
        self.heads = nn.ModuleList(Head(found.shape[1]) for found in maps)

    def features(self, image: Float[Tensor, "n 3 r r"]) -> list[Tensor]:
        """The judged feature maps of pictures [-1, 1] of any size."""
        if image.shape[2] != SIZE:
            image = F.interpolate(image, (SIZE, SIZE), mode="bilinear", align_corners=False)
        x, maps = image.contiguous(memory_format=torch.channels_last), []
        for index, layer in enumerate(self.body):
            # In place would overwrite what the backward pass of the batch norm still needs.
            x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
            if index in TAPS:
                maps.append(x)
        return maps

    def generator_loss(self, fake: Float[Tensor, "n 3 r r"]) -> Float[Tensor, ""]:
        """Hinge loss of the generator: raise the logits of made pictures."""
        return -self._mean(self._logits(self.features(fake)))

    def rival_loss(
        self, real: Float[Tensor, "n 3 r r"], fake: Float[Tensor, "n 3 r r"]
    ) -> Float[Tensor, ""]:
        """Hinge loss of the heads: real above 1, made below -1."""
        with torch.no_grad():
            maps = self.features(torch.cat([real, fake]))
        logits = self._logits(maps)
        of_real = [F.relu(1.0 - scale.chunk(2)[0]) for scale in logits]
        of_fake = [F.relu(1.0 + scale.chunk(2)[1]) for scale in logits]
        return self._mean(of_real) + self._mean(of_fake)

    def refresh(self) -> None:
        """Before each step: see Head.refresh."""
        for head in self.heads:
            assert isinstance(head, Head)
            head.refresh()

    def _logits(self, maps: list[Tensor]) -> list[Tensor]:
        return [head(found) for head, found in zip(self.heads, maps, strict=True)]

    @staticmethod
    def _mean(values: list[Tensor]) -> Tensor:
        return torch.stack([value.mean() for value in values]).mean()


def open_guide(folder: Path) -> FeatureRival:
    """A rival on the attribute network in `folder`. Raises ModelError or TrainingError."""
    network = open_reader(folder).network
    if not isinstance(network, AttributeNetwork):
        raise TrainingError(
            f"{folder.name} is not the attribute network.",
            "The judge never takes part in training.",
        )
    return FeatureRival(network)
