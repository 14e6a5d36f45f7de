"""The eyes of a model that draws pictures like another. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.models.embeddings import get_timestep_embedding
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.models.diffusion.eyes_config import EyesConfig
from engine.perception.clip.config import PUBLISHED, Tower, VisionSizes
from engine.perception.clip.model import vision_tower

NOISE = 0  # the timestep of the noise in what is said of a picture, as published


class PictureTower(nn.Module):
    """A CLIP's picture tower, with its way into the common space. width: numbers there. mean, std:
    of the pictures that it was taught on, in [0, 1]. kind: see ClipConfig."""

    def __init__(
        self,
        sizes: VisionSizes,
        width: int,
        mean: Sequence[float],
        std: Sequence[float],
        kind: Tower = PUBLISHED,
    ) -> None:
        super().__init__()
        self.side, self._colours = sizes.image_size, (tuple(mean), tuple(std))
        self.vision_model = vision_tower(sizes, kind)
        self.visual_projection = nn.Linear(sizes.hidden_size, width, bias=False)

    def said(self, pictures: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n width"]:
        """What it says of square pictures in [-1, 1]."""
        size = (self.side, self.side)
        if pictures.shape[-2:] != size:
            smaller = pictures.shape[-1] > self.side
            pictures = interpolate(pictures, size, mode="bicubic", antialias=smaller)
        mean, std = (pictures.new_tensor(v)[:, None, None] for v in self._colours)
        return self._projected((pictures.clamp(-1, 1) / 2 + 0.5 - mean) / std)

    def nothing(self) -> Float[Tensor, "1 width"]:
        """What it says of zeros."""
        return self._projected(torch.zeros(1, 3, self.side, self.side))

    def _projected(self, shown: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n width"]:
        found: Tensor = self.visual_projection(self.vision_model(shown))
        return found


class Eyes(PictureTower):
    """One that also knows mean and spread of what it says of pictures."""

    def __init__(self, config: EyesConfig) -> None:
        width = config.projection
        super().__init__(config.vision, width, config.mean, config.std, config.tower)
        self.config = config
        self.mean = nn.Parameter(torch.zeros(1, width))
        self.std = nn.Parameter(torch.ones(1, width))

    def seen(
        self, pictures: Float[Tensor, "n 3 r r"], noise: Float[Tensor, "n width"]
    ) -> Float[Tensor, "n both"]:
        """What a U-Net is told of square pictures in [-1, 1]: what the tower says, with a little
        noise, and how much noise that is (Ramesh et al., 2022, as published with Stable unCLIP)."""
        return self.told(self.said(pictures), noise)

    def told(
        self, said: Float[Tensor, "n width"], noise: Float[Tensor, "n width"] | None = None
    ) -> Float[Tensor, "n both"]:
        """The same of what the tower said; no noise where that is None."""
        noise, noising = torch.zeros_like(said) if noise is None else noise, self.config.noising
        alpha, sigma = float(noising.alphas[NOISE]), float(noising.sigmas[NOISE])
        said = (alpha * (said - self.mean) / self.std + sigma * noise) * self.std + self.mean
        level = torch.full((len(said),), NOISE)
        how_much = get_timestep_embedding(level, said.shape[1], True, 0)
        return torch.cat([said, how_much], dim=1)
