"""What a card says of the eyes of a latent model that draws pictures like another (unCLIP; Ramesh
et al., 2022). No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from engine.diffusion.schedule import Schedule
from engine.perception.clip.config import (
    PUBLISHED,
    ClipConfig,
    Tower,
    VisionSizes,
    read_config,
)

MAY = "image_mean", "image_std", "tower"
EYES = "eyes."  # before the names of their tensors


@dataclass(frozen=True)
class EyesConfig:
    """vision: sizes of the CLIP's tower. projection: numbers of what it says of a picture. noising:
    of these numbers. mean, std: of the pictures that it was taught on, in [0, 1]. tower: its kind,
    see ClipConfig."""

    vision: VisionSizes
    projection: int
    noising: Schedule
    mean: tuple[float, ...] = ClipConfig.mean
    std: tuple[float, ...] = ClipConfig.std
    tower: Tower = PUBLISHED

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "vision": asdict(self.vision), "projection": self.projection,
            "noising": self.noising.to_dict(), "image_mean": list(self.mean),
            "image_std": list(self.std), "tower": self.tower,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> EyesConfig:
        """From plain values. Raises CheckpointError, LookupError or TypeError."""
        told = {"vision_config": plain["vision"], "projection_dim": plain["projection"]}
        told |= {
            name: plain[name] for name in ("image_mean", "image_std", "tower") if name in plain
        }
        clip = read_config(told, where)
        noising = Schedule(**plain["noising"])
        return cls(clip.vision, clip.projection_dim, noising, clip.mean, clip.std, clip.tower)
