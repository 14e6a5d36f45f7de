"""The eyes of a latent model that draws pictures like another. Importing it needs torch."""

from __future__ import annotations

import torch
from diffusers.models.embeddings import get_timestep_embedding
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.models.diffusion.eyes_config import EyesConfig
from engine.perception.clip.vision_tower import VisionTower

NOISE = 0  # the timestep of the noise in what is said of a picture, as published


class Eyes(nn.Module):
    """A CLIP's picture tower, and mean and spread of what it says of pictures."""

    def __init__(self, config: EyesConfig) -> None:
        super().__init__()
        width = config.projection
        self.config = config
        self.vision_model = VisionTower(config.vision)
        self.visual_projection = nn.Linear(config.vision.hidden_size, width, bias=False)
        self.mean = nn.Parameter(torch.zeros(1, width))
        self.std = nn.Parameter(torch.ones(1, width))

    def seen(
        self, pictures: Float[Tensor, "n 3 r r"], noise: Float[Tensor, "n width"]
    ) -> Float[Tensor, "n both"]:
        """What a U-Net is told of square pictures in [-1, 1]: what the tower says, with a little
        noise, and how much noise that is (Ramesh et al., 2022, as published with Stable unCLIP)."""
        side, told = self.config.vision.image_size, self.config
        smaller = pictures.shape[-1] > side
        if pictures.shape[-1] != side:
            pictures = interpolate(pictures, (side, side), mode="bicubic", antialias=smaller)
        mean, std = (pictures.new_tensor(v)[:, None, None] for v in (told.mean, told.std))
        shown = (pictures.clamp(-1, 1) / 2 + 0.5 - mean) / std
        said = self.visual_projection(self.vision_model(shown))
        alpha, sigma = (float(x[NOISE]) for x in (told.noising.alphas, told.noising.sigmas))
        said = (alpha * (said - self.mean) / self.std + sigma * noise) * self.std + self.mean
        level = torch.full((len(said),), NOISE)
        how_much = get_timestep_embedding(level, said.shape[1], True, 0)
        return torch.cat([said, how_much], dim=1)
