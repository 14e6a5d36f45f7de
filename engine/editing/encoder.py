"""From a picture to ws in one pass: a network that inverts one generator.

After pSp and e4e (Richardson et al., 2021; Tov et al., 2021): a convolutional network answers a
base w and, for each layer, a smaller offset to it, counted in deviations of the generator's w.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import read_safetensors
from engine.editing.invert import Spread
from engine.editing.perceptual import to_images
from engine.errors import ModelError
from engine.models.card import WEIGHTS, read_card

FAMILY = "encoder"
SIDE = 64
WIDTHS = (32, 64, 128, 192)
OFFSET = 0.3  # how far a layer's offset reaches at first, to the base's one


class Residual(nn.Module):
    """Two 3x3 convolutions with group norm, around which the input goes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.GroupNorm(8, width)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """See class."""
        y = nn.functional.silu(self.norm(self.one(x)))
        out: Tensor = x + self.two(y)
        return out


class EncoderNetwork(nn.Module):
    """Pictures of 64 px to deviations of w+. The buffers turn deviations into w."""

    mean: Tensor
    colour: Tensor
    whiten: Tensor

    def __init__(self, num_ws: int, w_dim: int) -> None:
        super().__init__()
        self.num_ws, self.w_dim = num_ws, w_dim
        layers: list[nn.Module] = []
        width = 3
        for below in WIDTHS:
            layers += [nn.Conv2d(width, below, 4, 2, 1), Residual(below), nn.SiLU()]
            width = below
        self.body = nn.Sequential(*layers)
        self.hidden = nn.Linear(width * 16, 512)
        self.base = nn.Linear(512, w_dim)
        self.offsets = nn.Linear(512, num_ws * w_dim)
        self.register_buffer("mean", torch.zeros(w_dim))
        self.register_buffer("colour", torch.eye(w_dim))
        self.register_buffer("whiten", torch.eye(w_dim))

    def forward(self, images: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n num_ws w_dim"]:
        """images: sRGB in [-1, 1]."""
        x = self.body(images.contiguous(memory_format=torch.channels_last)).flatten(1)
        h = nn.functional.silu(self.hidden(x))
        apart = self.offsets(h).view(-1, self.num_ws, self.w_dim)
        v: Tensor = self.base(h)[:, None] + OFFSET * apart
        return v

    @property
    def spread(self) -> Spread:
        """How the generator's w is spread."""
        return Spread(self.mean, self.colour, self.whiten)


def sized(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 64 64"]:
    """Pictures at the encoder's size."""
    if images.shape[-2:] == (SIDE, SIDE):
        return images
    return interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)


class Encoder:
    """A trained encoder of one generator."""

    def __init__(self, network: EncoderNetwork) -> None:
        self.network = network.eval().requires_grad_(False)

    def ws(self, pixels: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n num_ws w_dim"]:
        """The ws whose pictures come near to these."""
        with torch.inference_mode():
            v = self.network(sized(to_images(pixels)))
            return np.asarray(self.network.spread.ws(v).numpy(), np.float32)


def open_encoder(folder: Path) -> Encoder:
    """Load an encoder from its folder. Raises ModelError when weights and card do not fit."""
    card = read_card(folder)
    tensors = read_safetensors(folder / WEIGHTS)
    if weights_sha256(tensors) != card["weights_sha256"]:
        raise ModelError(
            f"The weights of {folder.name} are not those of its card.", "Restore both files."
        )
    network = network_of(card["config"], folder)
    state = {k: torch.from_numpy(v.astype(np.float32)) for k, v in tensors.items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"The weights of {folder.name} are those of another network.") from error
    return Encoder(network)


def network_of(config: Mapping[str, Any], folder: Path) -> EncoderNetwork:
    """A fresh network of a card's sizes. Raises ModelError."""
    try:
        num_ws, w_dim = int(config["num_ws"]), int(config["w_dim"])
        if not (1 <= num_ws <= 64 and 1 <= w_dim <= 4096):
            raise ValueError("its sizes are out of range")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"The card of {folder.name} has a damaged config.") from error
    return EncoderNetwork(num_ws, w_dim)


def encoder_folder(roots: tuple[Path, ...], generator_sha256: str) -> Path | None:
    """The folder of the encoder that belongs to a generator's weights, or None."""
    for root in roots:
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            if not (folder / "card.json").is_file():
                continue
            try:
                card = read_card(folder)
            except ModelError:
                continue
            if card["family"] == FAMILY and card["config"].get("generator") == generator_sha256:
                return folder
    return None
