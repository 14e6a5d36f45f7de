"""The autoencoder of a latent model: pictures to codes and back. Importing it needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from engine.diffusion.latent_parts import filled, vae_of
from engine.errors import ModelError
from engine.models.card import read_card
from engine.models.denoisers import stored_weights
from engine.models.latent_config import AUTOENCODER
from engine.perception.fitting import Tensors


class Autoencoder:
    """diffusers' AutoencoderKL with the factor and shift of its codes.

    settings: of that class. Raises ModelError when weights do not fit; where: whose, in words.
    """

    def __init__(self, settings: Any, tensors: Tensors, where: str) -> None:
        self.net = filled(vae_of(settings, where), tensors, where)
        told: Any = self.net.config  # the class's own values where the file says nothing
        self._factor, self._shift = told.scaling_factor or 1.0, told.shift_factor or 0.0

    @property
    def side_px(self) -> int:
        """Of the pictures that it was trained on."""
        told: Any = self.net.config
        return int(told.sample_size)

    def pixels(self, codes: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 r r"]:
        """The pictures that codes stand for, nominally in [-1, 1]; with a gradient."""
        found: Tensor = self.net.decode(codes / self._factor + self._shift).sample
        return found

    def codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n c s s"]:
        """The codes of pictures in [-1, 1]: the middle of what the encoder says."""
        found: Tensor = self.net.encode(pixels).latent_dist.mode()
        return (found - self._shift) * self._factor


def open_autoencoder(folder: Path) -> Autoencoder:
    """From its own model folder. Raises ModelError."""
    card = read_card(folder)
    if card["family"] != AUTOENCODER:
        raise ModelError(
            f"{folder.name} is no autoencoder.", "Train one: train portraits-autoencoder."
        )
    tensors = stored_weights(folder, card["weights_sha256"])
    return Autoencoder(card["config"], tensors, folder.name)
