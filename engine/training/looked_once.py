"""What a network that does not learn sees of every picture: looked at once for a run, and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from engine.store import replacing

BATCH = 200


@torch.no_grad()
def looked_once(
    path: Path,
    pictures: UInt8[np.ndarray, "n 3 s s"],
    look: Callable[[Tensor], Tensor],
    told: Callable[[float], None] = lambda done: None,
) -> Tensor:
    """look of all pictures, from the file where an earlier sitting kept it.

    look: uint8 pictures to one row each. told: hears the share that is done before every batch;
    what it raises ends the looking.
    """
    if path.is_file():
        return torch.from_numpy(np.load(path, allow_pickle=False))
    parts = []
    for start in range(0, len(pictures), BATCH):
        told(start / len(pictures))
        parts.append(look(torch.from_numpy(np.array(pictures[start : start + BATCH]))))
    found = torch.cat(parts)
    with replacing(path) as file:
        np.save(file, found.numpy())
    return found
