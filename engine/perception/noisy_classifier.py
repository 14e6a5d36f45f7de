"""A classifier that reads pictures with any amount of noise in them, for classifier guidance.

It answers a few yes-or-no questions; a class is what the answers say together, so its probability
is the product of theirs (Dhariwal and Nichol, 2021, train one for each model the same way).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from engine.perception.noisy_tower import NoisyTower, check_sizes


@dataclass(frozen=True)
class NoisyClassifierConfig:
    """size: of the pictures, in px. bits: how many questions; there are 2^bits classes, the first
    question counting most. widths: see NoisyTower."""

    size: int = 32
    bits: int = 3
    widths: tuple[int, ...] = (32, 64, 96)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> NoisyClassifierConfig:
        """From plain values. Raises TypeError, KeyError or ValueError for what is none."""
        config = cls(plain["size"], plain["bits"], tuple(plain["widths"]))
        check_sizes(config.widths, config.size, config.bits)
        if config.bits > 10:
            raise ValueError(f"{config.bits} questions are too many")
        return config


class NoisyClassifier(NoisyTower):
    """x_t and t to the answers' logits."""

    def __init__(self, config: NoisyClassifierConfig) -> None:
        super().__init__(config.widths, config.bits)
        self.config = config

    def log_probabilities(
        self, x: Float[Tensor, "n 3 size size"], t: float
    ) -> Float[Tensor, "n classes"]:
        """log p(class | x_t) for every class."""
        logits = self(x, torch.full((len(x),), t))
        yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
        count = self.config.bits
        numbers = torch.arange(2**count)
        bits = (numbers[:, None] >> torch.arange(count - 1, -1, -1)) & 1  # [classes bits]
        return torch.where(bits.bool()[None], yes[:, None], no[:, None]).sum(2)
