"""A latent diffusion model as the denoising loop asks for it. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import (
    AutoencoderKL,
    UNet2DConditionModel,
    built,
    check_fit,
    filled,
)
from engine.models.decoder import Decoder
from engine.models.denoiser import Denoiser
from engine.models.denoisers import stored_weights
from engine.models.latent_config import TEXT, UNET, VAE, LatentConfig, named, part_called
from engine.models.text_blends import TextBlends, Weights
from engine.perception.clip.text_tower import TextTower
from engine.perception.clip.tokenizer import Tokenizer, read_tokenizer
from engine.perception.fitting import Tensors


def check_parts(config: LatentConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    for prefix, net in _networks(config, where).items():
        check_fit(net, part_called(tensors, prefix), named(where, prefix))


class LatentDenoiser(Denoiser):
    """Codes are denoised, told of texts and their shares; () is no text.

    Raises ModelError when weights or settings do not fit.
    """

    bounded = False

    def __init__(self, info: DenoiserInfo) -> None:
        self.config = LatentConfig.from_dict(info.card["config"], info.name)
        super().__init__(info, self.config.schedule, self.config.prediction, "torch")
        self.shape = self.config.channels, self.config.side, self.config.side
        tensors = stored_weights(info.folder, info.sha256)
        parts: dict[str, Any] = {
            prefix: filled(net, part_called(tensors, prefix), named(info.name, prefix))
            for prefix, net in _networks(self.config, info.name).items()
        }
        self.unet = parts[UNET]
        self.decoder = Decoder(parts[VAE], self.config.channels)
        self.encoder = Encoder(parts[TEXT], read_tokenizer(info.folder), self.config)
        self.texts = TextBlends(self.encoder.read)

    def differentiable(self, x: Tensor, t: float, condition: Any) -> Tensor:
        """See Network."""
        return self._answer(x, t, [condition])

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Weights]) -> Tensor:
        text = self.texts.of(conditions).repeat_interleave(len(x) // len(conditions), dim=0)
        out: Tensor = self.unet(
            x, torch.full((len(x),), t), encoder_hidden_states=text, return_dict=False
        )[0]
        return out

    def pixels(self, x0: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 r r"]:
        """See Denoiser."""
        return self.decoder.pixels(x0)

    def codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n c s s"]:
        """See Denoiser."""
        return self.decoder.codes(pixels)

    def preview(self, x0: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 s s"]:
        """See Denoiser."""
        return self.decoder.preview(x0)


class Encoder:
    """The text encoder of a model."""

    def __init__(self, tower: TextTower, tokenizer: Tokenizer, config: LatentConfig) -> None:
        self.tower, self.tokenizer = tower, tokenizer
        self.context, self.pad = config.text.max_position_embeddings, config.pad

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n tokens width"]:
        """What it makes of every token."""
        return self.tower.states(self.ids(texts))

    def ids(self, texts: Sequence[str]) -> Int64[Tensor, "n tokens"]:
        """Tokens, filled up behind the end with what the model was trained on."""
        ids = torch.from_numpy(self.tokenizer.tokens(texts, self.context).ids)
        if self.pad is None:
            return ids
        ended = (ids == self.tokenizer.end).cumsum(1)
        return torch.where(ended > 1, self.pad, ids)


def _networks(config: LatentConfig, where: str) -> dict[str, nn.Module]:
    """The three networks by the prefix of their weights, without memory. Raises ModelError."""
    with torch.device("meta"):
        tower = TextTower(config.text)
    unet = built(UNet2DConditionModel, config.unet, named(where, UNET))
    return {UNET: unet, VAE: built(AutoencoderKL, config.vae, named(where, VAE)), TEXT: tower}
