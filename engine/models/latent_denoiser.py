"""A latent diffusion model as the denoising loop asks for it. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import filled, open_unet, open_vae
from engine.diffusion.schedule import Prediction, Schedule
from engine.models.denoisers import stored_weights
from engine.models.latent_config import TEXT, UNET, VAE, LatentConfig
from engine.models.text_blends import TextBlends, Weights
from engine.perception.clip.config import TextSizes
from engine.perception.clip.text_tower import TextTower
from engine.perception.clip.tokenizer import Tokenizer, read_tokenizer

PROBES, PROBE_SIDE = 16, 8  # codes that the preview is fitted to, and their size


def check_parts(config: LatentConfig, tensors: Mapping[str, np.ndarray], where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    open_unet(config.unet, _part(tensors, UNET), f"{where}/unet")
    open_vae(config.vae, _part(tensors, VAE), f"{where}/vae")
    _tower(config, _part(tensors, TEXT), f"{where}/text_encoder")


class LatentDenoiser:
    """A Network of the loop over codes. Conditions are texts and their shares; () is no text.

    Raises ModelError when weights or settings do not fit.
    """

    def __init__(self, info: DenoiserInfo) -> None:
        self.info = info
        self.config = LatentConfig.from_dict(info.card["config"], info.name)
        tensors = stored_weights(info.folder, info.sha256)
        self.texts = TextBlends(Encoder(self.config, _part(tensors, TEXT), info).read)
        self.unet = open_unet(self.config.unet, _part(tensors, UNET), f"{info.name}'s U-Net")
        self.vae = open_vae(self.config.vae, _part(tensors, VAE), f"{info.name}'s autoencoder")

    @property
    def schedule(self) -> Schedule:
        """See Network."""
        return self.config.schedule

    @property
    def prediction(self) -> Prediction:
        """See Network."""
        return self.config.prediction

    @property
    def digest(self) -> str:
        """See Network."""
        return f"{self.info.sha256}/torch"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one picture's noise."""
        return self.config.channels, self.config.side, self.config.side

    def predict(self, x: Tensor, t: float, conditions: Sequence[Any]) -> Tensor:
        """See Network."""
        n, k = len(x), len(conditions)
        out = self._run(x.float().repeat(k, 1, 1, 1), t, conditions, n)
        return out.view(k, n, *x.shape[1:])

    def differentiable(self, x: Tensor, t: float, condition: Any) -> Tensor:
        """See Network."""
        return self._run(x, t, [condition], len(x))

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

    def _run(self, x: Tensor, t: float, conditions: Sequence[Weights], n: int) -> Tensor:
        text = self.texts.of(conditions).repeat_interleave(n, dim=0)
        out: Tensor = self.unet(
            x, torch.full((len(x),), t), encoder_hidden_states=text, return_dict=False
        )[0]
        return out


class Encoder:
    """The text encoder of a model."""

    def __init__(
        self, config: LatentConfig, tensors: Mapping[str, np.ndarray], info: DenoiserInfo
    ) -> None:
        self.tower = _tower(config, tensors, f"{info.name}'s text encoder")
        self.context, self.pad = int(config.text["max_position_embeddings"]), config.pad
        self.tokenizer: Tokenizer = read_tokenizer(info.folder)

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


def _tower(config: LatentConfig, tensors: Mapping[str, np.ndarray], where: str) -> TextTower:
    with torch.device("meta"):
        tower = TextTower(TextSizes(**config.text))
    return filled(tower, tensors, where)


def _part(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
