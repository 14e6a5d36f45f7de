"""How good the pictures of a running training are, by a network's features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8

from engine.models.bundled import bundled_folder
from engine.perception.reader import open_reader, to_input
from engine.training.metrics import frechet_distance, precision_recall

COUNT = 500
BATCH = 100
NEIGHBOURS = 3
READER = "portraits-attributes"
Make = Callable[[torch.Tensor], torch.Tensor]
"""z [n, z_dim] to pictures, float32 [-1, 1], [n, 3, r, r]."""


class Ruler:
    """Features of a fixed sample of the real pictures, taken once; they come from the layer
    before the last of the attribute network, which every installation has."""

    def __init__(self, pictures: UInt8[np.ndarray, "n 3 s s"]) -> None:
        self._network: Any = open_reader(bundled_folder() / READER).network
        step = max(1, len(pictures) // COUNT)
        self._real = self._features(np.asarray(pictures[::step][:COUNT]))

    @torch.no_grad()
    def measure(self, make: Make, z_dim: int) -> tuple[float, float, float]:
        """Improved precision and recall (Kynkäänniemi et al., 2019) and the Frechet distance
        (Heusel et al., 2017) of as many made pictures, of the same z every time."""
        rng = torch.Generator().manual_seed(1)
        z = torch.randn(len(self._real), z_dim, generator=rng)
        made = [
            (make(part) * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
            for part in torch.split(z, BATCH)
        ]
        features = self._features(np.concatenate(made))
        precision, recall = precision_recall(self._real, features, NEIGHBOURS)
        return precision, recall, frechet_distance(self._real, features)

    @torch.no_grad()
    def _features(self, images: UInt8[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n d"]:
        network = self._network
        found = []
        for start in range(0, len(images), BATCH):
            part = torch.from_numpy(np.array(images[start : start + BATCH]))
            body = network.body(to_input(part)).flatten(1)
            found.append(torch.relu(network.norm(network.hidden(body))).numpy())
        return np.concatenate(found)


def smaller(pictures: UInt8[np.ndarray, "n 3 s s"], size_px: int) -> UInt8[np.ndarray, "n 3 r r"]:
    """At most COUNT of the pictures, evenly picked and averaged down to `size_px`; all as they
    are where they have that size."""
    side = pictures.shape[2]
    if side == size_px:
        return pictures
    picked = pictures[:: max(1, len(pictures) // COUNT)][:COUNT]
    tiles = picked.reshape(len(picked), 3, size_px, side // size_px, size_px, side // size_px)
    found: UInt8[np.ndarray, "n 3 r r"] = tiles.mean(axis=(3, 5)).round().astype(np.uint8)
    return found
