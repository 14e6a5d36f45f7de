"""The codes of all pictures of a run, kept beside them for the next one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16, UInt8
from torch import Tensor

from engine.cancel import CancelToken
from engine.models.card import read_card
from engine.models.diffusion.autoencoder import open_autoencoder
from engine.models.diffusion.decoder import Decoder
from engine.training.checkpoint import save_array

CODED = 64  # pictures at once
OnCoded = Callable[[int, int], None]  # how many of how many


def kept_codes(
    autoencoder: Path,
    pictures: UInt8[np.ndarray, "n 3 r r"],
    folder: Path,
    seed: int,
    cancel: CancelToken,
    told: OnCoded,
    of: str = "",
) -> Float16[Tensor, "n c s s"]:
    """autoencoder, folder: where it lies, and where codes are kept. seed: of the pictures. of: what
    they are besides portraits. Raises ModelError, TrainingError, Cancelled."""
    digest = read_card(autoencoder)["weights_sha256"][:12]
    path = folder / f"codes-{digest}-{of}seed{seed}-{len(pictures)}-{pictures.shape[-1]}px.npy"
    if path.exists():
        return torch.from_numpy(np.load(path, allow_pickle=False))
    codes = _coded(open_autoencoder(autoencoder)[0], pictures, cancel, told)
    save_array(path, codes.numpy())
    return codes


@torch.no_grad()
def _coded(coder: Decoder, pictures: np.ndarray, cancel: CancelToken, told: OnCoded) -> Tensor:
    parts = []
    for start in range(0, len(pictures), CODED):
        cancel.check()
        some = torch.from_numpy(np.array(pictures[start : start + CODED])).float() / 127.5 - 1
        parts.append(coder.codes(some).half())
        if start % (16 * CODED) == 0:
            told(start, len(pictures))
    return torch.cat(parts)
