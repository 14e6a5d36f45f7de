"""Networks of guided diffusion, opened: models of pixels, upsamplers and noisy classifiers.
Importing it needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.denoising import DenoiserInfo
from engine.diffusion.adm import Encoder, Unet
from engine.diffusion.latent_parts import check_fit, filled
from engine.models.diffusion.adm_config import AdmConfig
from engine.models.diffusion.denoiser import WHOLE, Denoiser
from engine.models.diffusion.looks import enlarged
from engine.models.diffusion.text_blends import Weights, class_shares
from engine.perception.fitting import Tensors


def check_adm(config: AdmConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the network of these settings. Raises ModelError."""
    check_fit(network_of(config), tensors, where)


def network_of(config: AdmConfig) -> Encoder:
    """The network, without memory."""
    told: dict[str, Any] = {
        "outputs": config.outputs, "heads": config.heads, "apart": config.apart,
        "scales": config.scales, "moves": config.moves,
    }  # fmt: skip
    sizes = (config.width, config.channels, config.blocks, config.attends)
    with torch.device("meta"):
        if config.kind == "classifier":
            return Encoder(*sizes, 3, side=config.side, **told)
        return Unet(*sizes, config.sees, classes=config.classes, **told)


def open_adm_classifier(plain: Any, tensors: Tensors, where: str) -> Encoder:
    """A classifier, ready for gradients. Raises ModelError."""
    return filled(network_of(AdmConfig.from_dict(plain, where)), tensors, where)


class AdmDenoiser(Denoiser):
    """Pixels are denoised, told of classes and their shares. () is no class: of a model that was
    always told one, the average of all.

    An upsampler sees the small picture, enlarged. Raises ModelError when weights or settings do not
    fit.
    """

    def __init__(self, info: DenoiserInfo) -> None:
        self.config = AdmConfig.from_dict(info.card["config"], info.name)
        super().__init__(info, self.config.schedule, "epsilon", "torch")
        self.shape = 3, self.config.side, self.config.side
        net = self.opened({WHOLE: network_of(self.config)})[WHOLE]
        assert isinstance(net, Unet)
        self.net = net

    def _look(self, image: Tensor, inside: Tensor | None, seed: int) -> Tensor | None:
        return enlarged(image, self.config.side) if self.config.kind == "upsampler" else None

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Weights]) -> Tensor:
        shares = self._shares(conditions, len(x) // len(conditions))
        if self.config.kind == "upsampler":
            x = torch.cat([x, self.shown.expand(len(x), -1, -1, -1)], dim=1)
        return self.net.draw(x, torch.full((len(x),), t), shares)

    def _shares(
        self, conditions: Sequence[Weights], each: int
    ) -> Float[Tensor, "n classes"] | None:
        count = self.config.classes
        if not count:
            return None
        known = class_shares(conditions, count)
        shares = known[:, :-1] + known[:, -1:] / count
        return shares.repeat_interleave(each, dim=0)
