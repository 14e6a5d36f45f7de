"""A U-Net and the text tower that it reads through.

The tower has a lesson of its own before, see reading_lesson.py, and stays as it is then. Taught
along with the U-Net (Rombach et al., 2022, 3.3) it forgot every word that the U-Net did not yet
use, and each step took twice as long.
"""

from __future__ import annotations

from typing import Any

from jaxtyping import Float, Int64
from torch import Tensor, nn

from engine.diffusion.unet import PixelUNet
from engine.diffusion.unet_config import UNetConfig
from engine.perception.clip.text_tower import TextTower


class ReadingUNet(nn.Module):
    """A PixelUNet that is told tokens. tower: what reads them, its own from now on; it does not
    learn with it."""

    def __init__(self, config: UNetConfig, tower: TextTower) -> None:
        super().__init__()
        self.drawing, self.tower = PixelUNet(config), tower.requires_grad_(False)

    @property
    def unet(self) -> Any:
        """The network of diffusers, which is kept."""
        return self.drawing.unet

    def forward(
        self,
        x: Float[Tensor, "n c s s"],
        t: Float[Tensor, " n"],
        ids: Int64[Tensor, "n tokens"],
        beside: Float[Tensor, "n beside s s"] | None = None,
        looks: Float[Tensor, "n looks"] | None = None,
    ) -> Float[Tensor, "n c s s"]:
        """See PixelUNet."""
        text = self.tower.states(ids)
        found: Tensor = self.drawing(x, t, text=text, beside=beside, looks=looks)
        return found
