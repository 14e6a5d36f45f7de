"""Further lessons for the decoder of an autoencoder: its codes stay what models of codes were
taught on, and all of them draw better by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.models.card import read_card
from engine.models.diffusion.autoencoder import open_autoencoder
from engine.training.autoencoder_run import AutoencoderRun, AutoencoderSpec

UNLIKE = 0.15  # most noise in codes, of their deviation: those of models are none of a picture


def further(spec: AutoencoderSpec, start: Path) -> AutoencoderSpec:
    """The plan of one that was taught by that."""
    return replace(
        spec, start=start, steps=5_500, batch=8, rate=8e-4, perceptual=0.4, rivalry=0.1,
        featured=0.0, looked_px=96,
    )  # fmt: skip


class DecoderRun(AutoencoderRun):
    """start: folder of the autoencoder. codes: of the pictures, as models make them."""

    def __init__(
        self,
        spec: AutoencoderSpec,
        start: Path,
        pictures: np.ndarray,
        codes: Float[Tensor, "n c s s"],
    ) -> None:
        self.start, self.codes, self.coder = start, codes, open_autoencoder(start)[0]
        super().__init__(spec, pictures)

    def network(self) -> Any:
        """See AutoencoderRun: the encoder stands as it is."""
        net: Any = self.coder.vae
        for part in (net.decoder, net.post_quant_conv):
            part.requires_grad_(True)
        return net

    def again(self, rows: Tensor, real: Tensor) -> tuple[Tensor, Tensor | float]:
        """See AutoencoderRun."""
        codes = self.codes[rows].float()
        shares = torch.rand(len(codes), 1, 1, 1, generator=self.rng)
        unlike = UNLIKE * shares * torch.randn(codes.shape, generator=self.rng)
        return self.coder.pixels((codes + unlike).to(real.device)).float(), 0.0

    def settings(self) -> dict[str, Any]:
        """See AutoencoderRun: those of codes as they are."""
        config: dict[str, Any] = read_card(self.start)["config"]
        return config
