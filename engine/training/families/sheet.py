"""Sample sheets of a small generator: drawn portraits above what it makes of the same z's."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.training.checkpoint import write_whole
from engine.training.families.codes import Codes
from engine.training.families.painting import paint
from engine.training.families.renorm import plain
from engine.training.sheet import GAP, grid

COLUMNS = 12
PAIRED, FREE = 36, 72
SCALE = 3


@torch.no_grad()
def write_sheet(path: Path, generator: torch.nn.Module, codes: Codes, resolution: int) -> None:
    """36 drawn portraits, the same ones as made, and 72 made ones of the seeds 0 to 71."""
    rows = np.arange(PAIRED, dtype=np.int64)
    z, c = codes.z(99, rows), codes.c(99, rows)
    drawn = codes.drawn(z, c, resolution)
    # Statistics of the batch do for a look; those of the weights are measured when they ship.
    generator = copy.deepcopy(generator).train()
    plain(generator)
    device = next(generator.parameters()).device
    seeds = np.concatenate([np.random.RandomState(s).randn(1, codes.z_dim) for s in range(FREE)])
    free = torch.from_numpy(seeds.astype(np.float32))
    kinds = torch.arange(FREE) % max(1, codes.classes)
    parts = [
        drawn,
        paint(
            generator, torch.from_numpy(z).to(device), torch.from_numpy(c).to(device), resolution
        ),
        paint(generator, free.to(device), kinds.to(device), resolution),
    ]
    grids = []
    for part in parts:
        pixels = (part.cpu() * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
        made = grid(pixels.permute(0, 2, 3, 1).numpy(), COLUMNS)
        scale = SCALE * max(1, 32 // resolution)
        grids.append(made.repeat(scale, axis=0).repeat(scale, axis=1))
    bar = np.full((GAP, grids[0].shape[1], 3), 128, dtype=np.uint8)
    image = Image.fromarray(np.concatenate([grids[0], bar, grids[1], bar, grids[2]]))
    write_whole(path, lambda temporary: image.save(temporary, format="PNG"))
