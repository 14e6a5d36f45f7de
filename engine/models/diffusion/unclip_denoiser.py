"""An unCLIP model as the denoising loop asks for it: the loop draws small pictures from what the
prior thought of. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.models.transformers.prior_transformer import PriorTransformer
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import UNet2DConditionModel, UNet2DModel, built
from engine.models.diffusion.condition import Condition, as_told
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.part_settings import named
from engine.models.diffusion.parts import check_all
from engine.models.diffusion.text_blends import TextBlends
from engine.models.diffusion.text_encoders import Encoder
from engine.models.diffusion.unclip_config import (
    BRIDGE,
    DECODER,
    FIRST,
    LAST,
    PRIOR,
    TEXT,
    UnclipConfig,
)
from engine.models.diffusion.unclip_stages import Bridge, Enlarger, Prior, larger
from engine.perception.clip.text_tower import PooledTower
from engine.perception.clip.tokenizer import read_tokenizer
from engine.perception.fitting import Tensors


def check_unclip(config: UnclipConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    check_all(_networks(config, where), tensors, where)


class UnclipDenoiser(Denoiser):
    """Small pictures are denoised, told of texts and their shares; () is no text.

    Blends of texts are blends of what the prior thought of each. Raises ModelError when weights or
    settings do not fit.
    """

    def __init__(self, info: DenoiserInfo) -> None:
        self.config = config = UnclipConfig.from_dict(info.card["config"], info.name)
        super().__init__(info, config.drawing, "epsilon", "torch")
        self.shape = 3, config.side, config.side
        parts = self.opened(_networks(config, info.name))
        self.net, self.bridge = parts[DECODER], parts[BRIDGE]
        self.prior = Prior(parts[PRIOR], config)
        self.enlarger = Enlarger(parts[FIRST], parts[LAST], config)
        context = config.text.max_position_embeddings
        self.encoder = Encoder(parts[TEXT], read_tokenizer(info.folder), context, config.pad)
        self.texts = TextBlends(self.read)

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n numbers"]:
        """All that the decoder is told of each text, in one row; see `_parts`."""
        return torch.cat([self._row(text) for text in texts])

    def _row(self, text: str) -> Float[Tensor, "1 numbers"]:
        tower = self.encoder.tower
        assert isinstance(tower, PooledTower)
        ids = self.encoder.ids([text, ""])
        tokens, whole = tower.read(ids)
        kept = self.encoder.kept([text, ""])
        image: Tensor = self.bridge.learned_classifier_free_guidance_embeddings[None]
        if text.strip():
            image = self.prior.think(whole, tokens, kept)
        parts = (image, whole[:1], kept[:1].float(), tokens[:1].flatten(1))
        return torch.cat(parts, dim=1)

    def _parts(self, rows: Float[Tensor, "n numbers"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Image and text as a CLIP says them, which tokens count, and the tokens."""
        width, count = self.config.width, self.config.text.max_position_embeddings
        image, whole, kept, tokens = torch.split(rows, [width, width, count, count * width], dim=1)
        return image, whole, kept != 0, tokens.view(len(rows), count, width)

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Condition]) -> Tensor:
        rows = self.texts.of([one.weights for one in as_told(conditions)])
        rows = rows.repeat_interleave(len(x) // len(conditions), dim=0)
        image, whole, kept, tokens = self._parts(rows)
        told, added = self.bridge(image, whole, tokens)
        mask = pad(kept, (self.bridge.more, 0), value=True)
        out: Tensor = self.net(
            x, torch.full((len(x),), t), encoder_hidden_states=told, class_labels=added,
            attention_mask=mask, return_dict=False,
        )[0]  # fmt: skip
        return out

    def pixels(self, x0: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 r r"]:
        """See Denoiser; where a gradient is wanted, without the network that enlarges."""
        if torch.is_grad_enabled():
            return larger(x0, self.config.large)
        return self.enlarger.enlarge(x0.clamp(-1, 1))

    def codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n 3 s s"]:
        """See Denoiser."""
        size = self.shape[1:]
        return interpolate(pixels, size, mode="bicubic", antialias=True).clamp(-1, 1)


def _networks(config: UnclipConfig, where: str) -> dict[str, nn.Module]:
    """The networks by the prefix of their weights, without memory. Raises ModelError."""
    found: dict[str, nn.Module] = {
        PRIOR: built(PriorTransformer, config.prior, named(where, PRIOR)),
        DECODER: built(UNet2DConditionModel, config.decoder, named(where, DECODER)),
        FIRST: built(UNet2DModel, config.first, named(where, FIRST)),
        LAST: built(UNet2DModel, config.last, named(where, LAST)),
    }
    with torch.device("meta"):
        found[TEXT] = PooledTower(config.text, config.width)
        found[BRIDGE] = Bridge(config.bridge)
    return found
