"""Sample sheets: the same seeds each time, so that one sees how training goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from engine.gan.stylegan2 import Generator
from engine.training.checkpoint import write_whole

COLUMNS = 8
ROWS = 4
GAP = 8


@torch.no_grad()
def seed_pictures(
    generator: Generator, seeds: range, psi: float, resolution: int | None = None
) -> UInt8[np.ndarray, "n r r 3"]:
    """Pictures of the given seeds with stored noise. z as everywhere: RandomState(seed)."""
    device = generator.mapping.w_avg.device
    width = generator.config.z_dim
    z = np.concatenate([np.random.RandomState(seed).randn(1, width) for seed in seeds])
    pictures = []
    rows = torch.from_numpy(z.astype(np.float32)).to(device)
    for part in torch.split(rows, 8):
        image = generator.synthesis(generator.mapping(part, psi=psi), "const", resolution)
        pixels = (image * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
        pictures.append(pixels.permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(pictures)


def grid(pictures: UInt8[np.ndarray, "n r r 3"], columns: int) -> UInt8[np.ndarray, "h w 3"]:
    """Pictures side by side, row after row."""
    n, size = pictures.shape[:2]
    rows = n // columns
    tiles = pictures[: rows * columns].reshape(rows, columns, size, size, 3)
    return tiles.transpose(0, 2, 1, 3, 4).reshape(rows * size, columns * size, 3)


def write_sheet(path: Path, generator: Generator, resolution: int) -> None:
    """Seeds 0 to 31 at psi 0.7 above the same seeds at psi 1, each about 128 px."""
    seeds = range(COLUMNS * ROWS)
    halves = [grid(seed_pictures(generator, seeds, psi, resolution), COLUMNS) for psi in (0.7, 1.0)]
    scale = max(1, 128 // resolution)
    halves = [half.repeat(scale, axis=0).repeat(scale, axis=1) for half in halves]
    bar = np.full((GAP, halves[0].shape[1], 3), 128, dtype=np.uint8)
    image = Image.fromarray(np.concatenate([halves[0], bar, halves[1]]))
    write_whole(path, lambda temporary: image.save(temporary, format="PNG"))
