"""The picture tower of the Portraits CLIP: the attribute network up to its answers, and a head.

Locked-image tuning (Zhai et al., 2022): the body has learnt to look from labels and stays as it
is; the head and the text tower learn to agree.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.perception.attributes import HIDDEN, SIZE, AttributeNetwork

__all__ = ["HIDDEN", "SIZE", "PortraitsTower"]


class PortraitsTower(nn.Module):
    """Pictures to vectors. `seen` is locked; `read` learns."""

    def __init__(self, width: int) -> None:
        super().__init__()
        network = AttributeNetwork(1)
        self.body, self.hidden, self.norm = network.body, network.hidden, network.norm
        self.inner = nn.Linear(HIDDEN, width)
        self.outer = nn.Linear(width, width)

    def take(self, network: AttributeNetwork) -> None:
        """Look as a trained network does, from now on."""
        for name in ("body", "hidden", "norm"):
            getattr(self, name).load_state_dict(getattr(network, name).state_dict())

    def seen(self, images: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n hidden"]:
        """What the network's answers are made of. images: sRGB in [-1, 1]."""
        x = self.body(images.contiguous(memory_format=torch.channels_last))
        return torch.relu(self.norm(self.hidden(x.flatten(1))))

    def read(self, seen: Float[Tensor, "n hidden"]) -> Float[Tensor, "n width"]:
        """The head."""
        h = torch.nn.functional.gelu(self.inner(seen))
        found: Tensor = h + self.outer(h)
        return found

    def forward(self, images: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n width"]:
        """See class."""
        return self.read(self.seen(images))
