"""A latent diffusion model as the denoising loop asks for it. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import check_fit, filled, unet_of, vae_of
from engine.models.denoiser import Denoiser
from engine.models.denoisers import stored_weights
from engine.models.latent_config import TEXT, UNET, VAE, LatentConfig
from engine.models.text_blends import TextBlends, Weights
from engine.perception.clip.text_tower import TextTower
from engine.perception.clip.tokenizer import Tokenizer, read_tokenizer
from engine.perception.fitting import Tensors

PROBES, PROBE_SIDE = 16, 8  # codes that the preview is fitted to, and their size


def check_parts(config: LatentConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    for prefix, net in _networks(config, where).items():
        check_fit(net, _part(tensors, prefix), _named(where, prefix))


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
            prefix: filled(net, _part(tensors, prefix), _named(info.name, prefix))
            for prefix, net in _networks(self.config, info.name).items()
        }
        self.unet, self.vae = parts[UNET], parts[VAE]
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

    def pixels(self, codes: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 r r"]:
        """The pictures that codes stand for, nominally in [-1, 1]; with a gradient."""
        told: Any = self.vae.config  # the class's own values where the file says nothing
        scale, shift = told.scaling_factor or 1.0, told.shift_factor or 0.0
        found: Tensor = self.vae.decode(codes / scale + shift).sample
        return found

    def codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n c s s"]:
        """The codes of pictures in [-1, 1]: the middle of what the encoder says."""
        told: Any = self.vae.config
        found: Tensor = self.vae.encode(pixels).latent_dist.mode()
        return (found - (told.shift_factor or 0.0)) * (told.scaling_factor or 1.0)

    def preview(self, codes: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 s s"]:
        """About what they stand for, at their own size and in no time: a matrix on each place."""
        weights, bias = self._matrix
        return torch.einsum("nchw,cd->ndhw", codes, weights) + bias[:, None, None]

    @cached_property
    def _matrix(self) -> tuple[Tensor, Tensor]:
        """From codes to colours, by least squares over what random ones are decoded to."""
        rng = torch.Generator().manual_seed(0)
        # One colour each: noise at every place would be decoded to a texture.
        flat = torch.randn(PROBES, self.config.channels, 1, 1, generator=rng)
        codes = flat.expand(-1, -1, PROBE_SIDE, PROBE_SIDE)
        with torch.no_grad():
            seen = self.pixels(codes.contiguous()).mean((2, 3))
        inside = torch.cat([flat[:, :, 0, 0], torch.ones(PROBES, 1)], dim=1)
        found = torch.linalg.lstsq(inside, seen).solution
        return found[:-1], found[-1]


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
    unet = unet_of(config.unet, _named(where, UNET))
    return {UNET: unet, VAE: vae_of(config.vae, _named(where, VAE)), TEXT: tower}


def _part(tensors: Tensors, prefix: str) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _named(where: str, prefix: str) -> str:
    return f"{where}/{prefix.rstrip('.')}"
