"""An unCLIP model as the denoising loop asks for it: the loop draws small pictures from what a CLIP
says of text and picture. Importing it needs torch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.transformers.prior_transformer import PriorTransformer
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import UNet2DConditionModel, UNet2DModel, built
from engine.models.diffusion.condition import Condition, Told, as_told
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.eyes import PictureTower
from engine.models.diffusion.part_settings import named
from engine.models.diffusion.parts import check_all
from engine.models.diffusion.text_blends import TextBlends
from engine.models.diffusion.text_encoders import Encoder
from engine.models.diffusion.unclip_config import (
    BRIDGE,
    DECODER,
    EYES,
    FIRST,
    LAST,
    PRIOR,
    TEXT,
    StagedConfig,
    UnclipConfig,
    UnclipLikeConfig,
)
from engine.models.diffusion.unclip_stages import Bridge, Enlarger, Prior, larger
from engine.perception.clip.text_tower import PooledTower
from engine.perception.clip.tokenizer import read_tokenizer
from engine.perception.fitting import Tensors


def check_unclip(config: UnclipConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    check_all(_thinking(config, where), tensors, where)


def check_unclip_like(config: UnclipLikeConfig, tensors: Tensors, where: str) -> None:
    """See check_unclip."""
    check_all(_seeing(config, where), tensors, where)


class StagedDenoiser(Denoiser):
    """Small pictures are denoised and enlarged. Raises ModelError when weights or settings do not
    fit."""

    def __init__(
        self, info: DenoiserInfo, config: StagedConfig, networks: Mapping[str, nn.Module]
    ) -> None:
        super().__init__(info, config.drawing, "epsilon", "torch")
        self.stages = config
        self.shape = 3, config.side, config.side
        self.parts = parts = self.opened(networks)
        self.net, self.bridge = parts[DECODER], parts[BRIDGE]
        self.enlarger = Enlarger(parts[FIRST], parts[LAST], config)
        context = config.text.max_position_embeddings
        self.encoder = Encoder(parts[TEXT], read_tokenizer(info.folder), context, config.pad)
        self.texts = TextBlends(self.read)

    @property
    def nothing(self) -> Float[Tensor, "1 width"]:
        """What stands for no picture."""
        learned: Tensor = self.bridge.learned_classifier_free_guidance_embeddings
        return learned[None]

    @abstractmethod
    def thought(
        self,
        text: str,
        whole: Float[Tensor, "two width"],
        tokens: Float[Tensor, "two tokens width"],
        kept: Bool[Tensor, "two tokens"],
    ) -> Float[Tensor, "1 width"]:
        """What a CLIP would say of a picture of the text. whole, tokens, kept: what the encoder
        makes of the text and of the empty one."""

    def seen(
        self, told: Sequence[Told], thought: Float[Tensor, "n width"]
    ) -> Float[Tensor, "n width"]:
        """What the decoder is told of a picture under each condition."""
        return thought

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n numbers"]:
        """All that the decoder is told of each text, in one row; see `_parts`."""
        return torch.cat([self._row(text) for text in texts])

    def _row(self, text: str) -> Float[Tensor, "1 numbers"]:
        tower = self.encoder.tower
        assert isinstance(tower, PooledTower)
        both = [text, ""]
        tokens, whole = tower.read(self.encoder.ids(both))
        kept = self.encoder.kept(both)
        image = self.thought(text, whole, tokens, kept)
        parts = (image, whole[:1], kept[:1].float(), tokens[:1].flatten(1))
        return torch.cat(parts, dim=1)

    def _parts(self, rows: Float[Tensor, "n numbers"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Image and text as a CLIP says them, which tokens count, and the tokens."""
        width, count = self.stages.seen, self.stages.text.max_position_embeddings
        image, whole, kept, tokens = torch.split(rows, [width, width, count, count * width], dim=1)
        return image, whole, kept != 0, tokens.view(len(rows), count, width)

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Condition]) -> Tensor:
        told = as_told(conditions)
        image, *words = self._parts(self.texts.of([one.weights for one in told]))
        each = len(x) // len(conditions)
        image, whole, kept, tokens = (
            part.repeat_interleave(each, dim=0) for part in (self.seen(told, image), *words)
        )
        more, added = self.bridge(image, whole, tokens)
        mask = pad(kept, (self.bridge.more, 0), value=True)
        out: Tensor = self.net(
            x, torch.full((len(x),), t), encoder_hidden_states=more, class_labels=added,
            attention_mask=mask, return_dict=False,
        )[0]  # fmt: skip
        return out

    def pixels(self, x0: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 r r"]:
        """See Denoiser; where a gradient is wanted, without the network that enlarges."""
        if torch.is_grad_enabled():
            return larger(x0, self.stages.large)
        return self.enlarger.enlarge(x0.clamp(-1, 1))

    def codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n 3 s s"]:
        """See Denoiser."""
        size = self.shape[1:]
        return interpolate(pixels, size, mode="bicubic", antialias=True).clamp(-1, 1)


class UnclipDenoiser(StagedDenoiser):
    """Told of texts and their shares; () is no text. Blends of texts are blends of what the prior
    thought of each."""

    def __init__(self, info: DenoiserInfo) -> None:
        self.config = UnclipConfig.from_dict(info.card["config"], info.name)
        super().__init__(info, self.config, _thinking(self.config, info.name))
        self.prior = Prior(self.parts[PRIOR], self.config)

    def thought(self, text: str, whole: Tensor, tokens: Tensor, kept: Tensor) -> Tensor:
        """See StagedDenoiser."""
        return self.prior.think(whole, tokens, kept) if text.strip() else self.nothing


class UnclipLikeDenoiser(StagedDenoiser):
    """Told of a picture that its own is to be like, and of no text. What is moved away from is like
    nothing."""

    def __init__(self, info: DenoiserInfo) -> None:
        self.config = UnclipLikeConfig.from_dict(info.card["config"], info.name)
        super().__init__(info, self.config, _seeing(self.config, info.name))
        self.eyes: PictureTower = self.parts[EYES]

    def thought(self, text: str, whole: Tensor, tokens: Tensor, kept: Tensor) -> Tensor:
        """See StagedDenoiser."""
        return self.nothing

    @property
    def says(self) -> int:
        """See Denoiser."""
        return self.config.seen

    def _look(self, image: Tensor, inside: Tensor | None, seed: int) -> Tensor:
        return self.eyes.said(image)

    def seen(self, told: Sequence[Told], thought: Tensor) -> Tensor:
        """See StagedDenoiser."""
        rows = (self.nothing if one.away or not one.picture else self.shown for one in told)
        return torch.cat(list(rows))


def _thinking(config: UnclipConfig, where: str) -> dict[str, nn.Module]:
    """The networks by the prefix of their weights, without memory. Raises ModelError."""
    prior = built(PriorTransformer, config.prior, named(where, PRIOR))
    return {PRIOR: prior, **_staged(config, where)}


def _seeing(config: UnclipLikeConfig, where: str) -> dict[str, nn.Module]:
    """As _thinking."""
    with torch.device("meta"):
        eyes = PictureTower(config.eyes, config.seen, config.mean, config.std)
    return {EYES: eyes, **_staged(config, where)}


def _staged(config: StagedConfig, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        DECODER: built(UNet2DConditionModel, config.decoder, named(where, DECODER)),
        FIRST: built(UNet2DModel, config.first, named(where, FIRST)),
        LAST: built(UNet2DModel, config.last, named(where, LAST)),
    }
    with torch.device("meta"):
        found[TEXT] = PooledTower(config.text, config.seen)
        found[BRIDGE] = Bridge(config.bridge)
    return found
