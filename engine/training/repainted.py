"""Small portraits as a base paints them, each beside the drawn one that it stands for.

What an upsampler enlarges in a cascade is no drawn picture. Every base leaves marks of its own,
which enlarging makes plain, and noise in what is enlarged (Ho et al., 2021) is not like them. Here
the base repaints drawn portraits from a little noise (Meng et al., 2022, SDEdit), as it paints new
ones in a cascade: they stay who they are and get its marks.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from engine.cancel import CancelToken
from engine.diffusion.denoise import Hooks, Settings, Start, denoise
from engine.diffusion.guidance import classifier_free, perturbed_attention
from engine.models.card import read_card
from engine.models.diffusion.denoisers import denoiser_info
from engine.models.diffusion.open_denoiser import PixelDenoiser
from engine.models.diffusion.text_blends import Weights
from engine.portraits.classes import NO_CLASS

STEPS = 25
MOST = 0.75  # of the steps that a portrait is repainted in
SCALES = 1.0, 3.0  # of guidance toward the class
MOST_PERTURBED = 1.25  # scale of perturbed-attention guidance


class Repainter:
    """base: folder of a model of classes. Raises ModelError."""

    def __init__(self, base: Path, seed: int) -> None:
        self.network = PixelDenoiser(denoiser_info(base, read_card(base), bundled=True))
        self.rng = torch.Generator().manual_seed(seed)

    def repaint(
        self, x0: Float[Tensor, "n 3 s s"], label: int, cancel: CancelToken
    ) -> Float[Tensor, "n 3 s s"]:
        """Portraits in [-1, 1] of one class, or of none, all from as much noise under as much
        guidance. Raises Cancelled."""
        strength, more, perturbed = torch.rand(3, generator=self.rng).tolist()
        asked: Weights = () if label == NO_CLASS else ((label, 1.0),)
        scale = SCALES[0] + (SCALES[1] - SCALES[0]) * more
        noise = torch.randn(x0.shape, generator=self.rng)
        terms = [perturbed_attention(asked, MOST_PERTURBED * perturbed)]
        if asked:
            terms.append(classifier_free(asked, (), scale))
        made = denoise(
            self.network, noise, asked, terms,
            Settings(steps=STEPS), Hooks(cancel=cancel), start=Start(x0, MOST * strength),
        )  # fmt: skip
        return made.clamp(-1, 1)
