"""Networks whose weights are held in 16 bits and computed with in 32. Needs torch.

Only what is large is: the matrices of linear layers and convolutions, and tables. A weight becomes
float32 while its layer works and no longer, so that pictures differ by the rounding of the weights
alone, and a processor needs no arithmetic of 16 bits.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

_LARGE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Embedding)
Net = TypeVar("Net", bound=nn.Module)


class _Widened(nn.Module):
    """Sees 16 bits as a float and makes it float32. They are kept as integers, for whoever asks a
    network what it computes in looks at its floats."""

    def __init__(self, kind: torch.dtype) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, bits: Tensor) -> Tensor:
        return bits.view(self.kind).float()


def large_weights(net: nn.Module) -> frozenset[str]:
    """The names of the weights that are worth it."""
    return frozenset(f"{name}.weight" for name, _ in _large(net))


def widened(net: Net, kind: torch.dtype) -> Net:
    """The same network; its large weights, which may be of that kind already, are held in it and
    answer in float32."""
    for _, layer in _large(net):
        bits = layer.get_parameter("weight").detach().to(kind).view(torch.int16)
        layer.register_parameter("weight", nn.Parameter(bits, requires_grad=False))
        parametrize.register_parametrization(layer, "weight", _Widened(kind), unsafe=True)
    return net


def _large(net: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(name, one) for name, one in net.named_modules() if isinstance(one, _LARGE) and name]
