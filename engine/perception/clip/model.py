"""Both towers and their projections into the common space (Radford et al., 2021, figure 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from engine.perception.clip.config import PORTRAITS, ClipConfig, Tower, VisionSizes
from engine.perception.clip.portraits_tower import PortraitsTower
from engine.perception.clip.text_tower import TextTower
from engine.perception.clip.tokenizer import Tokenizer, Tokens
from engine.perception.clip.vision_tower import VisionTower


def vision_tower(sizes: VisionSizes, kind: Tower) -> nn.Module:
    """What looks at pictures."""
    return PortraitsTower(sizes.hidden_size) if kind == PORTRAITS else VisionTower(sizes)


class ClipNetwork(nn.Module):
    """Tensors are named as in the checkpoints that transformers writes."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        self.text_model = TextTower(config.text)
        self.vision_model = vision_tower(config.vision, config.tower)
        dim = config.projection_dim
        self.text_projection = nn.Linear(config.text.hidden_size, dim, bias=False)
        self.visual_projection = nn.Linear(config.vision.hidden_size, dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def texts(self, ids: Int64[Tensor, "n tokens"]) -> Float[Tensor, "n dim"]:
        """Unit vectors of texts."""
        return normalize(self.text_projection(self.text_model(ids)), dim=1)

    def images(self, images: Float[Tensor, "n 3 side side"]) -> Float[Tensor, "n dim"]:
        """Unit vectors of pictures at the tower's size, normalised as it wants them."""
        return normalize(self.visual_projection(self.vision_model(images)), dim=1)


@dataclass(frozen=True)
class Clip:
    """A network with its tokenizer, in evaluation mode. name, sha256: of the model folder."""

    network: ClipNetwork
    tokenizer: Tokenizer
    name: str = ""
    sha256: str = ""

    @property
    def context(self) -> int:
        """How many tokens a text may have, start and end among them."""
        return self.network.config.text.max_position_embeddings

    @property
    def dim(self) -> int:
        """The size of the common space."""
        return self.network.config.projection_dim

    @property
    def scale(self) -> float:
        """What cosines are multiplied by before a softmax."""
        return float(self.network.logit_scale.exp())

    def tokens(self, texts: Sequence[str]) -> Tokens:
        """Texts as tokens; those that are too long are cut."""
        return self.tokenizer.tokens(texts, self.context)

    def embed_texts(self, texts: Sequence[str]) -> Float[Tensor, "n dim"]:
        """Unit vectors of texts."""
        with torch.no_grad():
            return self.network.texts(torch.from_numpy(self.tokens(texts).ids))

    def read_texts(self, texts: Sequence[str]) -> Float[Tensor, "n context width"]:
        """What the text tower makes of every token, as text-conditional diffusion models want it;
        places after the end of a text are read, too (Rombach et al., 2022)."""
        with torch.no_grad():
            ids = torch.from_numpy(self.tokens(texts).ids)
            found: Tensor = self.network.text_model.states(ids)
            return found

    def embed_images(self, images: Float[Tensor, "n 3 height width"]) -> Float[Tensor, "n dim"]:
        """Unit vectors of square pictures of any size, with gradients. images: sRGB in [-1, 1].

        Shown at the tower's size by a bicubic filter, as published.
        """
        config = self.network.config
        side = config.vision.image_size
        x = images
        if x.shape[-2:] != (side, side):
            smaller = x.shape[-1] > side
            x = interpolate(x, (side, side), mode="bicubic", antialias=smaller).clamp(-1, 1)
        mean, std = (x.new_tensor(v)[:, None, None] for v in (config.mean, config.std))
        return self.network.images(((x + 1) / 2 - mean) / std)
