"""The attribute network: a plain convolutional network that reads a 64 px portrait.

It finds and guides. No bar is ever counted by it; that is the judge's part.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

# Output channels, kernel and stride of each layer, from 64 px down to 4 px.
LAYERS = (
    (24, 5, 2),
    (32, 3, 1),
    (64, 3, 2),
    (64, 3, 1),
    (128, 3, 2),
    (160, 3, 2),
)
HIDDEN = 192
SIZE = 64


class AttributeNetwork(nn.Module):
    """Convolutions with batch norm and ReLU, then one hidden layer over the whole 4 x 4 map."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width, kernel, stride in LAYERS:
            layers += [
                nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            channels = width
        self.body = nn.Sequential(*layers)
        self.hidden = nn.Linear(channels * 16, HIDDEN)
        self.norm = nn.BatchNorm1d(HIDDEN)
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Linear(HIDDEN, outputs)

    def forward(self, x: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n outputs"]:
        """x: sRGB in [-1, 1]. Raw outputs as `Columns` lays them out."""
        x = self.body(x.contiguous(memory_format=torch.channels_last))
        hidden = torch.relu(self.norm(self.hidden(x.flatten(1))))
        raw: Tensor = self.out(self.dropout(hidden))
        return raw
