"""What models see of a picture that they are shown beside the noise. Importing it needs torch."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from engine.diffusion.schedule import Schedule


def enlarged(
    image: Float[Tensor, "n c s s"], side: int, corners: bool = False
) -> Float[Tensor, "n c side side"]:
    """By a bilinear filter. corners: those of both pictures are laid upon each other."""
    return interpolate(image, (side, side), mode="bilinear", align_corners=corners)


def noised(
    image: Float[Tensor, "n c s s"], schedule: Schedule, step: int, seed: int
) -> Float[Tensor, "n c s s"]:
    """With as much noise as there is at a step of a training."""
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
    return float(schedule.alphas[step]) * image + float(schedule.sigmas[step]) * noise
