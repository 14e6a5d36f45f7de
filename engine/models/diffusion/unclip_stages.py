"""The stages of unCLIP around its decoder, each a network of the denoising loop: the prior, and
what enlarges. Importing it needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.diffusion.denoise import Settings, denoise
from engine.diffusion.guidance import classifier_free
from engine.diffusion.schedule import Prediction
from engine.models.diffusion.part_settings import Settings as Sizes
from engine.models.diffusion.prior_config import PriorConfig
from engine.models.diffusion.unclip_config import StagedConfig

# As published (Karlo): how the prior thinks of a picture, and how pictures are enlarged.
THOUGHT, ENLARGED = 25, 7  # steps
CLOSELY = 4.0  # guidance of the prior toward the text
SEED = 0  # of what both begin with, and of the noise on their ways


class Bridge(nn.Module):
    """What a decoder is told of a text and a picture that never was (Ramesh et al., 2022, section
    2.1). Tensors are named as in the published files."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, told = int(sizes["clip_embeddings_dim"]), int(sizes["cross_attention_dim"])
        time = int(sizes["time_embed_dim"])
        self.more = int(sizes.get("clip_extra_context_tokens", 4))
        self.learned_classifier_free_guidance_embeddings = nn.Parameter(torch.zeros(width))
        self.embedding_proj = nn.Linear(width, time)
        self.clip_image_embeddings_project_to_time_embeddings = nn.Linear(width, time)
        self.clip_extra_context_tokens_proj = nn.Linear(width, self.more * told)
        self.encoder_hidden_states_proj = nn.Linear(width, told)
        self.text_encoder_hidden_states_norm = nn.LayerNorm(told)

    def forward(
        self,
        image: Float[Tensor, "n width"],
        text: Float[Tensor, "n width"],
        tokens: Float[Tensor, "n tokens width"],
    ) -> tuple[Float[Tensor, "n more told"], Float[Tensor, "n time"]]:
        """The tokens that the decoder attends to, and what is added to its time."""
        added = self.clip_image_embeddings_project_to_time_embeddings(image)
        added = added + self.embedding_proj(text)
        first = self.clip_extra_context_tokens_proj(image)
        first = first.reshape(len(image), -1, self.more).permute(0, 2, 1)
        rest = self.text_encoder_hidden_states_norm(self.encoder_hidden_states_proj(tokens))
        return torch.cat([first, rest], dim=1), added


class Prior:
    """From a text to what a CLIP would say of its picture. Of its conditions 0 is the text, and 1
    the empty one."""

    prediction: Prediction = "x0"
    bounded = True

    def __init__(self, net: Any, config: PriorConfig) -> None:
        self.net, self.config = net, config
        self.schedule, self.digest = config.thinking, "prior"
        # No file keeps it, and a network without memory has none.
        places = config.text.max_position_embeddings + int(net.additional_embeddings)
        mask = torch.full((1, places, places), -10000.0).triu_(1)
        net.register_buffer("causal_attention_mask", mask, persistent=False)
        self._told: tuple[Tensor, Tensor, Tensor] | None = None

    def think(
        self,
        whole: Float[Tensor, "two width"],
        tokens: Float[Tensor, "two tokens width"],
        kept: Bool[Tensor, "two tokens"],
    ) -> Float[Tensor, "1 width"]:
        """What a CLIP would say. All of the text first, then of the empty one."""
        self._told = whole, tokens, kept
        noise = torch.randn(1, self.config.width, generator=torch.Generator().manual_seed(SEED))
        settings = Settings(
            "ddpm", THOUGHT, "linspace", threshold="static", bound=self.config.bound, seed=SEED
        )
        found = denoise(self, noise, 0, (classifier_free(0, 1, CLOSELY),), settings)
        said: Tensor = self.net.post_process_latents(found)
        return said

    def predict(
        self, x: Float[Tensor, "1 width"], t: float, conditions: Sequence[Any]
    ) -> Float[Tensor, "conditions 1 width"]:
        """See Network."""
        assert self._told is not None
        rows = torch.tensor([int(one) for one in conditions])
        whole, tokens, kept = (part[rows] for part in self._told)
        times = torch.full((len(rows),), t)
        found: Tensor = self.net(
            x.expand(len(rows), -1), times, whole, tokens, kept, return_dict=False
        )[0]
        return found[:, None]

    def differentiable(self, x: Tensor, t: float, condition: Any) -> Tensor:
        """See Network."""
        return self.predict(x, t, [condition])[0]


class Enlarger:
    """From small pictures to large ones, by one network for all steps but the last."""

    prediction: Prediction = "epsilon"
    bounded = True

    def __init__(self, first: Any, last: Any, config: StagedConfig) -> None:
        self.first, self.last, self.config = first, last, config
        self.schedule, self.digest = config.enlarging, "enlarger"
        self._small: Tensor | None = None

    def enlarge(self, small: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 r r"]:
        """The pictures at their full size; in [-1, 1]."""
        side = self.config.large
        self._small = larger(small, side)
        rng = torch.Generator().manual_seed(SEED)
        noise = torch.randn(1, 3, side, side, generator=rng).expand(len(small), -1, -1, -1)
        settings = Settings("ddpm", ENLARGED, "linspace", threshold="static", seed=SEED)
        return denoise(self, noise, (), (), settings)

    def predict(
        self, x: Float[Tensor, "n 3 r r"], t: float, conditions: Sequence[Any]
    ) -> Float[Tensor, "1 n 3 r r"]:
        """See Network; there are no conditions."""
        assert self._small is not None
        net = self.last if t == 0 else self.first
        both = torch.cat([x, self._small], dim=1)
        found: Tensor = net(both, torch.full((len(x),), t), return_dict=False)[0]
        return found[None, :, :3]

    def differentiable(self, x: Tensor, t: float, condition: Any) -> Tensor:
        """See Network."""
        return self.predict(x, t, [condition])[0]


def larger(small: Float[Tensor, "n 3 s s"], side: int) -> Float[Tensor, "n 3 r r"]:
    """By a bicubic filter, as published; with a gradient."""
    size = (side, side)
    return interpolate(small, size, mode="bicubic", align_corners=False, antialias=True)
