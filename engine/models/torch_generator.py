"""Fills the torch generator with tensors that were read and checked. Importing it needs torch."""

from __future__ import annotations

import numpy as np
import torch

from engine.gan.stylegan2 import Generator
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.stylegan2_layout import Tensors


def build_generator(config: StyleGAN2Config, tensors: Tensors) -> Generator:
    """A generator in float32 on the CPU, ready for inference."""
    with torch.device("meta"):
        generator = Generator(config)
    state = {
        name: torch.from_numpy(np.array(array, dtype=np.float32)) for name, array in tensors.items()
    }
    generator.load_state_dict(state, strict=True, assign=True)
    return generator.eval().requires_grad_(False)
