"""An upsampler as its cascade asks for it. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from engine.denoising import DenoiserInfo
from engine.diffusion.denoise import NO_HOOKS, Hooks, Settings, denoise
from engine.diffusion.enlarge import MOST_LEVEL, completed
from engine.diffusion.recolour import recoloured
from engine.errors import ModelError
from engine.frame import BackendName
from engine.models.diffusion.open_denoiser import PixelDenoiser
from engine.models.diffusion.text_blends import Weights


class Upsampler(PixelDenoiser):
    """It makes what plain enlarging leaves out; its previews are whole pictures. See PixelDenoiser
    for what it raises."""

    bounded = False

    def __init__(self, info: DenoiserInfo, backend: BackendName | None = None) -> None:
        super().__init__(info, backend)
        self._low: Tensor | None = None
        self._level = 0

    def enlarged(
        self,
        small: Float[Tensor, "1 3 h w"],
        noise: Float[Tensor, "1 3 h2 w2"],
        settings: Settings,
        hooks: Hooks = NO_HOOKS,
        share: float = 0.0,
    ) -> Float[Tensor, "1 3 h2 w2"]:
        """The picture at twice its size, nominally in [-1, 1].

        share: how much noise is added to what is enlarged, 1 for the most that it knows; it comes
        from the settings' seed. Raises Cancelled, RecipeError or ModelError.
        """
        self._low, self._level = small, round(share * MOST_LEVEL * (self.schedule.steps - 1))
        if self._level:
            alpha, sigma = (
                part[self._level] for part in (self.schedule.alphas, self.schedule.sigmas)
            )
            rng = torch.Generator().manual_seed(settings.seed)
            added = torch.randn(small.shape, generator=rng)
            self._low = (alpha * small + sigma * added).float()
        made = denoise(self, noise, (), (), settings, hooks)
        return recoloured(self.pixels(made), small)

    def pixels(self, x0: Float[Tensor, "n 3 h2 w2"]) -> Float[Tensor, "n 3 h2 w2"]:
        """See Denoiser."""
        alpha = self.schedule.alphas[self._level] if self._level else 1.0
        return completed(x0, self._given / alpha)

    def preview(self, x0: Float[Tensor, "n 3 h2 w2"]) -> Float[Tensor, "n 3 h2 w2"]:
        """See Denoiser."""
        return self.pixels(x0)

    @property
    def _given(self) -> Tensor:
        if self._low is None:
            raise ModelError(f"{self.info.name} enlarges pictures and was given none.")
        return self._low

    def _more(self, conditions: Sequence[Weights], n: int) -> dict[str, Tensor]:
        k = n * len(conditions)
        low = self._given.expand(k, *self._given.shape[1:])
        return {"low": low, "level": torch.full((k,), float(self._level))}
