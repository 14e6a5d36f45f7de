"""A trained network's view of pictures: how far made ones are from drawn ones, and a rival.

The distance is the perceptual loss of Johnson et al. (2016), on EfficientNet-Lite1 at twice the
pictures' size. The rival is small heads on those same feature maps which say, of a made and a
drawn picture of one z, which is the drawn one (relativistic pairs: Jolicoeur-Martineau, 2018); so
sharpness costs hardly more than the distance does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.perception import imagenet
from engine.training.feature_rival import Head

BLOCKS = (0, 3, 6, 14)  # at 1/2, 1/4, 1/8 and 1/16 of the size looked at
JUDGED = 3  # of them, the coarsest: a head on the finest would cost as much as the generator
SIZE = 64


@dataclass(frozen=True)
class Verdict:
    """distance: about 2 for unlike faces. fooled: the generator's loss against the heads. heads:
    the loss of the heads."""

    distance: Tensor
    fooled: Tensor
    heads: Tensor


class Teacher(nn.Module):
    """Raises ModelError where the ImageNet weights are not installed."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.network = imagenet.load(imagenet.LITE1, device)
        maps = self._maps(torch.zeros(1, 3, SIZE, SIZE, device=device))
        self.heads = nn.ModuleList(Head(found.shape[1]) for found in maps[-JUDGED:]).to(device)

    def forward(self, fake: Float[Tensor, "n 3 r r"], real: Float[Tensor, "n 3 r r"]) -> Verdict:
        """Both in [-1, 1], pair by pair of one z."""
        with torch.no_grad():
            wanted = self._maps(real)
        sizes = [want.abs().mean() for want in wanted]
        wanted = [want / size for want, size in zip(wanted, sizes, strict=True)]
        made = [got / size for got, size in zip(self._maps(fake), sizes, strict=True)]
        pairs = list(zip(made, wanted, strict=True))
        distance = torch.stack([(got - want).abs().mean() for got, want in pairs]).sum()
        fooled, heads = [], []
        for head, (got, want) in zip(self.heads, pairs[-JUDGED:], strict=True):
            assert isinstance(head, Head)
            head.refresh()
            of_real = head(want)
            heads.append(F.softplus(head(got.detach()) - of_real).mean())
            head.requires_grad_(False)
            fooled.append(F.softplus(of_real.detach() - head(got)).mean())
            head.requires_grad_(True)
        return Verdict(distance, torch.stack(fooled).mean(), torch.stack(heads).mean())

    def _maps(self, images: Float[Tensor, "n 3 r r"]) -> list[Tensor]:
        # The network wants (RGB - 127) / 128, which is [-1, 1] to within half a step.
        x = F.interpolate(images, (SIZE, SIZE), mode="bicubic", align_corners=False)
        return self.network.maps(x, BLOCKS)
