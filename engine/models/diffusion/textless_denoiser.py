"""A published diffusion model without texts as the loop asks for it. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import (
    AutoencoderKL,
    UNet2DModel,
    VQModel,
    built,
)
from engine.diffusion.transformer import dit_of, placed
from engine.models.diffusion.decoder import Decoder
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.latent_config import VAE
from engine.models.diffusion.part_settings import named
from engine.models.diffusion.parts import check_all
from engine.models.diffusion.text_blends import Weights, class_shares
from engine.models.diffusion.textless_config import NET, TextlessConfig
from engine.perception.fitting import Tensors


def check_textless(config: TextlessConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    check_all(_networks(config, where), tensors, where)


class TextlessDenoiser(Denoiser):
    """Pixels or codes are denoised, told of classes and their shares; () is no class.

    Raises ModelError when weights or settings do not fit.
    """

    def __init__(self, info: DenoiserInfo) -> None:
        self.config = TextlessConfig.from_dict(info.card["config"], info.name)
        super().__init__(info, self.config.schedule, self.config.prediction, "torch")
        self.shape = self.config.channels, self.config.side, self.config.side
        parts = self.opened(_networks(self.config, info.name))
        self.dit = self.config.kind == "DiTTransformer2DModel"
        self.net = placed(parts[NET]) if self.dit else parts[NET]
        self.decoder = None
        if VAE in parts:
            self.decoder = Decoder(parts[VAE], self.config.channels, self.tile)
        self.bounded = self.decoder is None

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Weights]) -> Tensor:
        times, more = torch.full((len(x),), t), {}
        if self.dit:
            none = len(self.config.classes)
            shares = class_shares(conditions, none)
            more["class_labels"] = shares.repeat_interleave(len(x) // len(conditions), dim=0)
        out: Tensor = self.net(x, timestep=times, return_dict=False, **more)[0]
        return out

    def pixels(self, x0: Float[Tensor, "n ..."]) -> Float[Tensor, "n 3 r r"]:
        """See Denoiser; one channel is shown as three."""
        return x0.expand(-1, 3, -1, -1) if self.decoder is None else self.decoder.pixels(x0)

    def codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n ..."]:
        """See Denoiser; one channel is the mean of three."""
        if self.decoder is not None:
            return self.decoder.codes(pixels)
        return pixels if self.shape[0] == 3 else pixels.mean(1, keepdim=True)

    def preview(self, x0: Float[Tensor, "n ..."]) -> Float[Tensor, "n 3 s s"]:
        """See Denoiser."""
        return self.pixels(x0) if self.decoder is None else self.decoder.preview(x0)


def _networks(config: TextlessConfig, where: str) -> dict[str, nn.Module]:
    """The networks by the prefix of their weights, without memory. Raises ModelError."""
    place = named(where, NET)
    found: dict[str, nn.Module] = {}
    if config.kind == "DiTTransformer2DModel":
        found[NET] = dit_of(config.net, place)
    else:
        found[NET] = built(UNet2DModel, config.net, place)
    if config.decoder is not None:
        kind = VQModel if config.decodes == "VQModel" else AutoencoderKL
        found[VAE] = built(kind, config.decoder, named(where, VAE))
    return found
