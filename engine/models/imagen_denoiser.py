"""A model of pixels that reads texts through T5 as the denoising loop asks for it. Importing it
needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import UNet2DConditionModel, built
from engine.errors import ModelError
from engine.models.denoiser import Denoiser
from engine.models.imagen_config import CONTEXT, TEXT, UNET, ImagenConfig
from engine.models.latent_config import named
from engine.models.parts import check_all
from engine.models.text_blends import TextBlends, Weights
from engine.perception.fitting import Tensors
from engine.perception.t5 import T5Tower
from engine.perception.unigram import read_unigram

LOW_NOISE = 250  # the timestep of the noise in the small picture, as published


def check_imagen(config: ImagenConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    check_all(_networks(config, where), tensors, where)


class ImagenDenoiser(Denoiser):
    """Pixels are denoised, told of texts and their shares; () is no text.

    Raises ModelError when weights or settings do not fit.
    """

    def __init__(self, info: DenoiserInfo) -> None:
        self.config = ImagenConfig.from_dict(info.card["config"], info.name)
        super().__init__(info, self.config.schedule, "epsilon", "torch")
        self.shape = 3, self.config.side, self.config.side
        parts = self.opened(_networks(self.config, info.name))
        self.unet, self.tower = parts[UNET], parts[TEXT]
        self.tokenizer = read_unigram(info.folder)
        self.texts = TextBlends(self.read)
        self._large: Tensor | None = None

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n tokens width"]:
        """What the encoder makes of every token of texts, in lower case as it was taught."""
        plain = [text.lower().strip() for text in texts]
        ids = torch.from_numpy(self.tokenizer.tokens(plain, CONTEXT).ids)
        found: Tensor = self.tower.states(ids, ids != self.tokenizer.pad)
        return found

    def show(self, small: Float[Tensor, "1 3 s s"], seed: int) -> None:
        """Let a second stage see a small picture in the run that comes, enlarged and with some
        noise. seed: of that noise."""
        low, side = self.config.low, self.config.side
        assert low is not None
        large = interpolate(small, (side, side), mode="bilinear", align_corners=True)
        noise = torch.randn(large.shape, generator=torch.Generator().manual_seed(seed))
        alpha, sigma = float(low.alphas[LOW_NOISE]), float(low.sigmas[LOW_NOISE])
        self._large = alpha * large + sigma * noise

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Weights]) -> Tensor:
        text = self.texts.of(conditions).repeat_interleave(len(x) // len(conditions), dim=0)
        more: dict[str, Any] = {}
        if self.config.low is not None:
            if self._large is None:
                raise ModelError(f"{self.info.name} enlarges a picture and was given none.")
            x = torch.cat([x, self._large.expand(len(x), -1, -1, -1)], dim=1)
            more["class_labels"] = torch.full((len(x),), LOW_NOISE)
        times = torch.full((len(x),), t)
        out: Tensor = self.unet(x, times, encoder_hidden_states=text, return_dict=False, **more)[0]
        return out


def _networks(config: ImagenConfig, where: str) -> dict[str, nn.Module]:
    """The networks by the prefix of their weights, without memory. Raises ModelError."""
    with torch.device("meta"):
        tower = T5Tower(config.text)
    return {UNET: built(UNet2DConditionModel, config.unet, named(where, UNET)), TEXT: tower}
