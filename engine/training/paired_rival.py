"""A rival in the lessons: it knows which drawn picture each made one should be.

Regression alone leaves soft what it cannot place exactly. Small heads on the feature maps that
the perceptual loss computes anyway (Sauer et al., 2021) learn to tell a made picture from the
drawn one it stands for, and the generator learns to leave them no difference. Both losses are
relativistic and paired (Jolicoeur-Martineau, 2019): since the pair shares its content, the
heads see nothing but the softness.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.training.feature_rival import Head


class PairedRival(nn.Module):
    """One head a feature map, each with the same say. widths: channels of the maps."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head(width) for width in widths)

    def refresh(self) -> None:
        """Before each step: measure the heads' stretch anew."""
        for head in self.heads:
            assert isinstance(head, Head)
            head.refresh()

    def losses(
        self, made: list[Tensor], drawn: list[Tensor]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """The generator's loss and the heads' own, both log 2 where no head sees a difference.

        made, drawn: the feature maps of n pairs. Take the gradient of the first with respect to
        what made the pictures, and of the second with respect to the heads alone.
        """
        of_generator, of_heads = [], []
        for head, fake, real in zip(self.heads, made, drawn, strict=True):
            size = real.abs().mean()
            ahead = head(fake / size) - head(real / size)
            of_generator.append(F.softplus(-ahead).mean())
            of_heads.append(F.softplus(head(fake.detach() / size) - head(real / size)).mean())
        return torch.stack(of_generator).mean(), torch.stack(of_heads).mean()
