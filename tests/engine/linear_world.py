"""A generator whose pictures are patches of known brightness, and a network that reads them.

Attribute k of a picture is `readings[:, k] . w`, painted as the grey level of patch k; the reading
network averages patches. So the right answer to every question about directions is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.frame import ModelInfo
from engine.perception.columns import Column, Columns
from engine.perception.reader import Reader

NAMES = ("yaw", "smile", "age", "eyeglasses")
SCALE = 0.15
COLUMNS = Columns(
    tuple(
        Column(name, "binary" if name == "eyeglasses" else "continuous", -1.0, 1.0)
        for name in NAMES
    )
)


class PatchNetwork(nn.Module):
    """Reads patch k as attribute k; the binary one as a steep logit."""

    def forward(self, x: Tensor) -> Tensor:
        raw = x[:, 0].reshape(-1, 4, 16, 4, 16).mean((2, 4)).flatten(1)[:, : len(NAMES)] / SCALE
        return raw * torch.tensor([1.0, 1.0, 1.0, 6.0])


class LinearWorld:
    """w = z mixed; each patch is a plane in the mean of ws over the layers."""

    def __init__(self, w_dim: int = 6, num_ws: int = 4, seed: int = 0) -> None:
        rng = np.random.RandomState(seed)
        self.mixing = (rng.randn(w_dim, w_dim) * 0.3 + np.eye(w_dim)).astype(np.float32)
        axes = np.linalg.qr(rng.randn(w_dim, len(NAMES)))[0] * 0.6
        self.readings = (axes + rng.randn(w_dim, len(NAMES)) * 0.12).astype(np.float32)
        self.info = ModelInfo(
            "world", "World", "stylegan2", "a" * 64, 64, w_dim, w_dim, num_ws, 0, False, Path()
        )

    def map(self, z: np.ndarray, c: Any = None, psi: float = 1.0) -> np.ndarray:
        return np.repeat((z @ self.mixing)[:, None], self.info.num_ws, axis=1)

    def attributes(self, w: np.ndarray) -> np.ndarray:
        """The true value of each attribute."""
        return np.asarray(w @ self.readings)

    def pixels(self, ws: np.ndarray) -> np.ndarray:
        return self.painted(self.attributes(ws.mean(1)))

    def painted(self, values: np.ndarray) -> np.ndarray:
        """One grey patch an attribute."""
        plane = np.zeros((len(values), 16), np.float32)
        plane[:, : len(NAMES)] = values * SCALE
        grey = plane.reshape(-1, 4, 1, 4, 1) * np.ones((1, 1, 16, 1, 16))
        levels = np.clip(np.rint(grey.reshape(-1, 64, 64, 1) * 127.5 + 127.5), 0, 255)
        return levels.astype(np.uint8).repeat(3, 3)


class LayeredWorld(LinearWorld):
    """Here yaw is painted by the first layer alone, and smile by the others along yaw's plane."""

    def pixels(self, ws: np.ndarray) -> np.ndarray:
        values = self.attributes(ws.mean(1))
        values[:, 0] = ws[:, 0] @ self.readings[:, 0]
        values[:, 1] = ws[:, 1:].mean(1) @ self.readings[:, 0]
        return self.painted(values)


def reader() -> Reader:
    return Reader(COLUMNS, PatchNetwork(), "b" * 64)
