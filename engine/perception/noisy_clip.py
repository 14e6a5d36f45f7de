"""The picture tower of a CLIP for pictures with any amount of noise in them (Nichol et al., 2021).

It shares the common space of a CLIP that knows clean pictures: its vectors compare with that one's
texts. What noise hides it leaves open, so that a vector is short where little can be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.perception.noisy_tower import NoisyTower, check_sizes


@dataclass(frozen=True)
class NoisyClipConfig:
    """size: of the pictures, in px. dim: of the common space. clip: the digest of the CLIP whose
    space it is. widths: see NoisyTower."""

    size: int = 32
    dim: int = 64
    clip: str = ""
    widths: tuple[int, ...] = (32, 64, 96)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> NoisyClipConfig:
        """From plain values. Raises TypeError, KeyError or ValueError for what is none."""
        config = cls(plain["size"], plain["dim"], str(plain["clip"]), tuple(plain["widths"]))
        check_sizes(config.widths, config.size, config.dim)
        return config


class NoisyClip(NoisyTower):
    """x_t and t to a vector of the common space."""

    def __init__(self, config: NoisyClipConfig) -> None:
        super().__init__(config.widths, config.dim)
        self.config = config

    def embed_noisy(self, x: Float[Tensor, "n 3 size size"], t: float) -> Float[Tensor, "n dim"]:
        """Vectors of pictures of timestep t, with gradients."""
        found: Tensor = self(x, torch.full((len(x),), t))
        return found
