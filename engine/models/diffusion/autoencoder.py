"""The autoencoder that latent models are taught on, from its own model folder. Needs torch."""

from __future__ import annotations

from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from engine.diffusion.latent_parts import built, filled
from engine.errors import ModelError
from engine.models.card import read_card
from engine.models.diffusion.decoder import Decoder
from engine.models.diffusion.denoisers import stored_weights
from engine.models.diffusion.latent_config import AUTOENCODER


def open_autoencoder(folder: Path) -> tuple[Decoder, int]:
    """The autoencoder, and the side in px of the pictures it was taught on. Raises ModelError."""
    card = read_card(folder)
    if card["family"] != AUTOENCODER:
        raise ModelError(
            f"{folder.name} is no autoencoder.", "Train one: train portraits-autoencoder."
        )
    settings, tensors = card["config"], stored_weights(folder, card["weights_sha256"])
    net = filled(built(AutoencoderKL, settings, folder.name), tensors, folder.name)
    return Decoder(net, settings["latent_channels"]), int(settings["sample_size"])
