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
        with torch.no_grad():
            wanted = self._maps(real)
        parts = [
            (got - want).abs().mean() / want.abs().mean()
            for got, want in zip(self._maps(fake), wanted, strict=True)
        ]
        return torch.stack(parts).sum()

    def _maps(self, images: Float[Tensor, "n 3 r r"]) -> list[Tensor]:
        # The network wants (RGB - 127) / 128, which is [-1, 1] to within half a step.
        x = F.interpolate(images, (SIZE, SIZE), mode="bicubic", align_corners=False)
        return self.network.maps(x, BLOCKS)
