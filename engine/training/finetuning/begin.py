"""Beginning with the weights of a model that was taught before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import TrainingError
from engine.models.card import read_card
from engine.models.diffusion.denoisers import stored_weights
from engine.models.diffusion.latent_config import LATENT, TEXT, UNET
from engine.models.diffusion.tiny_decoder import TINY

START = "portraits-latent"  # the bundled model that the family begins with
# What a picture and a text, each as a whole, add to the time; and the last layer of each.
BESIDE_TIME = ("class_embedding.", "add_embedding.")
LAST = ("class_embedding.linear_2.", "add_embedding.norm2.")


@torch.no_grad()
def begin(unet: nn.Module, start: Path) -> None:
    """Fill a U-Net with that of a model. What it sees and the model did not counts nothing at
    first, so that it begins where the model ended. Raises TrainingError where they do not fit."""
    taught = unet_of(start)
    own = unet.state_dict()
    strange = next((name for name in taught if name not in own), None)
    missing = (name for name in own if name not in taught and not name.startswith(BESIDE_TIME))
    wrong = strange or next(missing, None) or copied(unet, taught)
    if wrong:
        raise _refusal("U-Net", start, wrong)
    for name in (name for name in own if name.startswith(LAST) and name not in taught):
        own[name].zero_()


@torch.no_grad()
def copied(network: nn.Module, taught: Mapping[str, Tensor]) -> str:
    """Copy the tensors of the same names; returns the first that does not fit, or ""."""
    for name, value in network.state_dict().items():
        found = taught.get(name)
        if found is None:
            continue
        if found.shape == value.shape:
            value.copy_(found)
        elif name == "conv_in.weight" and found.shape[1] < value.shape[1]:
            value.zero_()[:, : found.shape[1]] = found
        else:
            return name
    return ""


def begin_reading(tower: nn.Module, start: Path) -> None:
    """Fill a text tower with that of a latent model. Raises TrainingError where they do not fit."""
    taught = part_of(start, TEXT)
    missing = next((name for name in tower.state_dict() if name not in taught), "")
    wrong = missing or copied(tower, taught)
    if wrong:
        raise _refusal("text tower", start, wrong)


@torch.no_grad()
def begin_previews(tiny: nn.Module, start: Path) -> bool:
    """Fill a tiny decoder with that of a model; returns whether it has one. Raises TrainingError
    where they do not fit."""
    taught = part_of(start, TINY)
    wrong = copied(tiny, taught)
    if wrong:
        raise _refusal("tiny decoder", start, wrong)
    return bool(taught)


def unet_of(start: Path) -> dict[str, Tensor]:
    """The tensors of a model's U-Net, float32. Raises ModelError."""
    return part_of(start, UNET if read_card(start)["family"] == LATENT else "")


def part_of(start: Path, before: str) -> dict[str, Tensor]:
    """The tensors of a model whose names begin so, without that, float32. Raises ModelError."""
    tensors = stored_weights(start, read_card(start)["weights_sha256"])
    return {
        name.removeprefix(before): torch.from_numpy(array.astype(np.float32))
        for name, array in tensors.items()
        if name.startswith(before)
    }


def _refusal(part: str, start: Path, wrong: str) -> TrainingError:
    return TrainingError(
        f"The {part} of {start.name} is not of the kind to begin with: {wrong[:80]} differs.",
        "Begin with a model that was taught with the same plan.",
    )
