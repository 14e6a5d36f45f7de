"""A distance between pictures as a network trained on photographs sees them.

Perceptual loss (Johnson et al., 2016) on EfficientNet-Lite1: mean absolute difference of feature
maps from fine to coarse, each against the mean size of the wanted ones. Lite0, which measures
precision and recall, has no part in it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from engine.perception import imagenet

BLOCKS = (0, 3, 6, 14)  # at 1/2, 1/4, 1/8 and 1/16 of the size looked at
WIDTHS = (16, 24, 40, 112)
SIZE = 96


class PerceptualLoss:
    """Frozen; its gradient reaches the made pictures alone.

    Raises ModelError where the ImageNet weights are not installed.
    """

    def __init__(self, device: torch.device) -> None:
        self.network = imagenet.load(imagenet.LITE1, device)

    def __call__(
        self, fake: Float[Tensor, "n 3 r r"], real: Float[Tensor, "n 3 r r"]
    ) -> Float[Tensor, ""]:
        """Both in [-1, 1]. The sum over scales; about 2 for unlike faces, 0 for equal ones."""
        return distance(self.maps(fake), self.wanted(real))

    def wanted(self, real: Float[Tensor, "n 3 r r"]) -> list[Tensor]:
        """The feature maps of pictures that need no gradient."""
        with torch.no_grad():
            return self.maps(real)

    def maps(self, images: Float[Tensor, "n 3 r r"]) -> list[Tensor]:
        """The feature maps of pictures [-1, 1], fine to coarse, of WIDTHS channels."""
        # The network wants (RGB - 127) / 128, which is [-1, 1] to within half a step.
        x = F.interpolate(images, (SIZE, SIZE), mode="bicubic", align_corners=False)
        return self.network.maps(x, BLOCKS)


def distance(got: list[Tensor], wanted: list[Tensor]) -> Float[Tensor, ""]:
    """Mean absolute difference at each scale against the mean size of what is wanted; summed."""
    parts = [
        (fake - real).abs().mean() / real.abs().mean()
        for fake, real in zip(got, wanted, strict=True)
    ]
    return torch.stack(parts).sum()
