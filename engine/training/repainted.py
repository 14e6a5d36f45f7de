"""Small portraits as a base makes them, each beside the drawn one that it stands for.

What an upsampler enlarges in a cascade is no drawn picture. Every base leaves marks of its own,
which enlarging makes plain, and noise in what is enlarged (Ho et al., 2021) is not like them. Here
the base repaints drawn portraits from a little noise (Meng et al., 2022, SDEdit): they stay who
they are and get its marks. Half of them are guided, as pictures of a cascade are.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from engine.diffusion.schedule import to_eps, to_x0
from engine.diffusion.unet import PixelUNet
from engine.models.card import read_card
from engine.models.diffusion.denoisers import denoiser_config, stored_weights
from engine.models.diffusion.open_denoiser import build_unet

LEAST, MOST = 0.1, 2.5  # sigma / alpha that they are repainted from, each factor as likely
SCALES = 1.0, 3.0  # of guidance toward their class
STEPS = 6


class Repainter:
    """A bundled model of classes. Raises ModelError."""

    def __init__(self, base: Path, seed: int) -> None:
        card = read_card(base)
        config = denoiser_config(card, base)
        tensors = stored_weights(base, card["weights_sha256"])
        self.net: PixelUNet = build_unet(config.unet, tensors, card["name"]).eval()
        self.classes, self.prediction = config.unet.classes, config.prediction
        self.alphas, self.sigmas = (
            torch.tensor(part, dtype=torch.float32)
            for part in (config.schedule.alphas, config.schedule.sigmas)
        )
        self.rng = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def repaint(
        self, x0: Float[Tensor, "n 3 s s"], labels: Int64[Tensor, " n"]
    ) -> Float[Tensor, "n 3 s s"]:
        """Portraits in [-1, 1] of these classes, the number of classes for none, by DDIM."""
        n = len(x0)
        shares = (torch.arange(n) + torch.rand(n, generator=self.rng)) / n
        from_noise = LEAST * (MOST / LEAST) ** shares
        first = torch.searchsorted(self.sigmas / self.alphas, from_noise).float()
        guided = torch.randperm(n, generator=self.rng)[: n // 2]
        scales = SCALES[0] + (SCALES[1] - SCALES[0]) * torch.rand(
            len(guided), 1, 1, 1, generator=self.rng
        )
        asked = torch.cat([labels, torch.full_like(guided, self.classes)])
        rows = F.one_hot(asked, self.classes + 1).float()
        alpha, sigma = self._at(first.long())
        x = alpha * x0 + sigma * torch.randn(x0.shape, generator=self.rng)
        for step in range(STEPS):
            t = (first * (1 - step / STEPS)).long()
            twice = torch.cat([x, x[guided]]), torch.cat([t, t[guided]]).float()
            out, plain = self.net(*twice, rows).split([n, len(guided)])
            out[guided] = plain + scales * (out[guided] - plain)
            alpha, sigma = self._at(t)
            x0 = to_x0(self.prediction, out, x, alpha, sigma).clamp(-1, 1)
            eps = to_eps(x0, x, alpha, sigma)
            alpha, sigma = self._at((first * (1 - (step + 1) / STEPS)).long())
            x = alpha * x0 + sigma * eps
        return x0

    def _at(self, t: Int64[Tensor, " n"]) -> list[Float[Tensor, "n 1 1 1"]]:
        return [part[t][:, None, None, None] for part in (self.alphas, self.sigmas)]
