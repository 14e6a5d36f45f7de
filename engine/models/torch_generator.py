"""Fills the torch generator with tensors that were read and checked. Importing it needs torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.models.families import family_of
from engine.models.family import Config, Tensors


def build_generator(config: Config, tensors: Tensors) -> Any:
    """A generator of the config's family, in float32 on the CPU, ready for inference."""
    with torch.device("meta"):
        generator = family_of(config).new_generator(config)
    state = {
        name: torch.from_numpy(np.array(array, dtype=np.float32)) for name, array in tensors.items()
    }
    generator.load_state_dict(state, strict=True, assign=True)
    return generator.eval().requires_grad_(False)
