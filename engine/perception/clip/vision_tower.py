"""CLIP's vision transformer (Dosovitskiy et al., 2021), named as published checkpoints."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.perception.clip.config import VisionSizes
from engine.perception.clip.transformer import Encoder


class Embeddings(nn.Module):
    """A vector for each patch, one for the whole before them, and one for each place."""

    def __init__(self, sizes: VisionSizes) -> None:
        super().__init__()
        width, patch = sizes.hidden_size, sizes.patch_size
        places = (sizes.image_size // patch) ** 2 + 1
        self.class_embedding = nn.Parameter(torch.randn(width))
        self.patch_embedding = nn.Conv2d(3, width, patch, patch, bias=False)
        self.position_embedding = nn.Embedding(places, width)

    def forward(self, images: Float[Tensor, "n 3 side side"]) -> Float[Tensor, "n tokens width"]:
        """See class."""
        patches = self.patch_embedding(images).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(images), 1, -1)
        return torch.cat([first, patches], 1) + self.position_embedding.weight


class VisionTower(nn.Module):
    """Read at the vector for the whole. The first norm's name is misspelt as published."""

    def __init__(self, sizes: VisionSizes) -> None:
        super().__init__()
        self.embeddings = Embeddings(sizes)
        self.pre_layrnorm = nn.LayerNorm(sizes.hidden_size, sizes.layer_norm_eps)
        self.encoder = Encoder(sizes, causal=False)
        self.post_layernorm = nn.LayerNorm(sizes.hidden_size, sizes.layer_norm_eps)

    def forward(self, images: Float[Tensor, "n 3 side side"]) -> Float[Tensor, "n width"]:
        """images: normalised as the model was trained."""
        x = self.encoder(self.pre_layrnorm(self.embeddings(images)))
        found: Tensor = self.post_layernorm(x[:, 0])
        return found
