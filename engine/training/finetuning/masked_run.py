"""Lessons in filling holes: the U-Net sees the mask and the codes of what stays."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.portraits.classes import CAPTIONS
from engine.training.diffusion_sheet import SHOWN, Conditions
from engine.training.finetuning.holes import masks
from engine.training.latent_run import LatentRun


class MaskedRun(LatentRun):
    """Inpainting (Rombach et al., 2022): the mask, 1 where it is drawn anew, and the codes of the
    picture that is grey there."""

    def examples(self) -> tuple[Tensor, Conditions]:
        """Codes, captions, and what is shown beside."""
        index = self.rows()
        inside = masks(len(index), self.spec.drawn_px, self.rng)
        told = self.read(self.captions(index))
        return self.clean(index), {**told, "beside": self.left(index, inside)}

    def asked(self) -> tuple[Conditions, ...]:
        """The captions of the classes, for the first pictures with holes that stay the same."""
        rng = torch.Generator().manual_seed(0)
        inside = masks(SHOWN, self.spec.drawn_px, rng)
        beside = {"beside": self.left(torch.arange(SHOWN) % len(self.codes), inside)}
        texts = [CAPTIONS[at % len(CAPTIONS)] for at in range(SHOWN)]
        return {**self.read(texts), **beside}, {**self.read([""] * SHOWN), **beside}

    @torch.no_grad()
    def left(
        self, index: Tensor, inside: Float[Tensor, "n 1 r r"]
    ) -> Float[Tensor, "n beside s s"]:
        """What a model sees of these pictures."""
        scale = self.spec.drawn_px // self.spec.unet.resolution
        codes = self.coder.codes(self.portraits(index) * (1 - inside))
        return torch.cat([inside[:, :, ::scale, ::scale], codes], dim=1)
