"""A GLIDE model (Nichol et al., 2021), opened. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import check_fit
from engine.errors import ModelError
from engine.models.denoiser import WHOLE, Denoiser
from engine.models.glide_config import GlideConfig
from engine.models.text_blends import TextBlends, Weights
from engine.perception.byte_pairs import read_byte_pairs
from engine.perception.fitting import Tensors
from engine.perception.glide import GlideUnet


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
    """Pixels are denoised, told of texts and their shares; () is no text.

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
        self._shown: Tensor | None = None

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n tokens width"]:
        """What the transformer makes of every token of texts."""
        context = self.config.context
        ids = torch.from_numpy(self.tokenizer.tokens(texts, context).ids)
        lengths = torch.tensor([[len(self.tokenizer.encode(text))] for text in texts])
        return self.net.read(ids, torch.arange(context)[None] < lengths)

    def show(self, image: Float[Tensor, "1 3 s s"], kept: Float[Tensor, "1 1 s s"] | None) -> None:
        """Let it see a picture in the run that comes: a small one that it enlarges, or where `kept`
        is 1 one that it paints into."""
        side = self.config.body.side
        if self.info.shown == "small":
            size = (side, side)
            self._shown = F.interpolate(image, size, mode="bilinear", align_corners=False)
        else:
            still = torch.zeros_like(image[:, :1]) if kept is None else kept
            self._shown = torch.cat([image * still, still], dim=1)

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Weights]) -> Tensor:
        text = self.texts.of(conditions).repeat_interleave(len(x) // len(conditions), dim=0)
        if self.info.shown:
            if self._shown is None:
                raise ModelError(f"{self.info.name} draws a picture anew and was given none.")
            x = torch.cat([x, self._shown.expand(len(x), -1, -1, -1)], dim=1)
        return self.net.draw_text(x, torch.full((len(x),), t), text)
