"""A GLIDE model (Nichol et al., 2021), opened. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from engine.denoising import DenoiserInfo
from engine.diffusion.glide import GlideUnet
from engine.diffusion.latent_parts import check_fit
from engine.models.diffusion.denoiser import WHOLE, Denoiser
from engine.models.diffusion.glide_config import GlideConfig
from engine.models.diffusion.looks import enlarged
from engine.models.diffusion.text_blends import TextBlends, Weights
from engine.perception.byte_pairs import read_byte_pairs
from engine.perception.fitting import Tensors


def check_glide(config: GlideConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the network of these settings. Raises ModelError."""
    check_fit(network_of(config), tensors, where)


def network_of(config: GlideConfig) -> GlideUnet:
    """The network, without memory."""
    body = config.body
    with torch.device("meta"):
        return GlideUnet(
            body.width, body.channels, body.blocks, body.attends, body.sees,
            outputs=body.outputs, vocabulary=config.vocabulary, context=config.context,
            text_width=config.text_width, layers=config.layers, scales=body.scales,
            moves=body.moves,
        )  # fmt: skip


class GlideDenoiser(Denoiser):
    """Pixels are denoised, told of texts and their shares; () is no text. An upsampler sees the
    small picture, enlarged, an inpainting model what it leaves, and where that is.

    Raises ModelError when weights or settings do not fit.
    """

    def __init__(self, info: DenoiserInfo) -> None:
        self.config = GlideConfig.from_dict(info.card["config"], info.name)
        body = self.config.body
        super().__init__(info, body.schedule, "epsilon", "torch")
        self.shape = 3, body.side, body.side
        self.net: GlideUnet = self.opened({WHOLE: network_of(self.config)})[WHOLE]
        self.tokenizer = read_byte_pairs(info.folder)
        self.texts = TextBlends(self.read)

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n tokens width"]:
        """What the transformer makes of every token of texts."""
        context = self.config.context
        ids = torch.from_numpy(self.tokenizer.tokens(texts, context).ids)
        lengths = torch.tensor([[len(self.tokenizer.encode(text))] for text in texts])
        return self.net.read(ids, torch.arange(context)[None] < lengths)

    def _look(self, image: Tensor, inside: Tensor | None, seed: int) -> Tensor | None:
        if self.info.shown != "masked":
            return enlarged(image, self.config.body.side) if self.info.shown else None
        kept = torch.zeros_like(image[:, :1]) if inside is None else 1 - inside
        return torch.cat([image * kept, kept], dim=1)

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Weights]) -> Tensor:
        text = self.texts.of(conditions).repeat_interleave(len(x) // len(conditions), dim=0)
        if self.info.shown:
            x = torch.cat([x, self.shown.expand(len(x), -1, -1, -1)], dim=1)
        return self.net.draw_text(x, torch.full((len(x),), t), text)
