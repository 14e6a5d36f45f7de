"""A model of pixels that reads texts through T5 as the denoising loop asks for it. Importing it
needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import UNet2DConditionModel, built
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.imagen_config import CONTEXT, TEXT, UNET, ImagenConfig
from engine.models.diffusion.looks import enlarged, noised
from engine.models.diffusion.part_settings import named
from engine.models.diffusion.parts import check_all
from engine.models.diffusion.text_blends import TextBlends, Weights
from engine.perception.fitting import Tensors
from engine.perception.t5 import T5Tower
from engine.perception.unigram import read_unigram

LOW_NOISE = 250  # the timestep of the noise in the small picture, as published


def check_imagen(config: ImagenConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    check_all(_networks(config, where), tensors, where)


class ImagenDenoiser(Denoiser):
    """Pixels are denoised, told of texts and their shares; () is no text. A second stage sees a
    small picture, enlarged, with some noise.

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

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n tokens width"]:
        """What the encoder makes of every token of texts, in lower case as it was taught."""
        plain = [text.lower().strip() for text in texts]
        ids = torch.from_numpy(self.tokenizer.tokens(plain, CONTEXT).ids)
        found: Tensor = self.tower.states(ids, ids != self.tokenizer.pad)
        return found

    def _look(self, image: Tensor, inside: Tensor | None, seed: int) -> Tensor | None:
        low, side = self.config.low, self.config.side
        return None if low is None else noised(enlarged(image, side, True), low, LOW_NOISE, seed)

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Weights]) -> Tensor:
        text = self.texts.of(conditions).repeat_interleave(len(x) // len(conditions), dim=0)
        more: dict[str, Any] = {}
        if self.config.low is not None:
            x = torch.cat([x, self.shown.expand(len(x), -1, -1, -1)], dim=1)
            more["class_labels"] = torch.full((len(x),), LOW_NOISE)
        times = torch.full((len(x),), t)
        out: Tensor = self.unet(x, times, encoder_hidden_states=text, return_dict=False, **more)[0]
        return out


def _networks(config: ImagenConfig, where: str) -> dict[str, nn.Module]:
    """The networks by the prefix of their weights, without memory. Raises ModelError."""
    with torch.device("meta"):
        tower = T5Tower(config.text)
    return {UNET: built(UNet2DConditionModel, config.unet, named(where, UNET)), TEXT: tower}
