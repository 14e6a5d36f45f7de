"""What codes stand for, about and in no time: a preview at every step (a few convolutions that were
taught beside the decoder, as is usual for latent models). Needs torch."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

TINY = "tiny."  # before the names of its weights
WIDTH, MIDDLE = 32, 2


class TinyDecoder(nn.Module):
    """channels: numbers at each place of a code. scale: pixels of a side for each place."""

    def __init__(self, channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(channels, WIDTH, 3, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(MIDDLE))
        self.last = nn.Conv2d(WIDTH, 3 * scale**2, 3, padding=1)

    def forward(self, codes: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 r r"]:
        """Pictures, nominally in [-1, 1]."""
        x = F.silu(self.first(codes))
        for layer in self.middle:
            x = x + F.silu(layer(x))
        return F.pixel_shuffle(self.last(x), self.scale)
