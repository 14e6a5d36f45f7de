"""What keeps a predicted picture in its range when guidance pulls hard."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from engine.denoising import Denoise

Mode = Literal["none", "static", "dynamic"]


def threshold(
    x0: Float[Tensor, "n ..."],
    mode: Mode,
    percentile: float = Denoise.percentile,
    bound: float = 1.0,
) -> Float[Tensor, "n ..."]:
    """The predicted picture, nominally in [-1, 1], held there.

    "none" leaves it. "static" clips it to [-bound, bound]. "dynamic" (Saharia et al., 2022) takes
    for s the given quantile of |x0| of each picture, at least 1, clips to [-s, s] and divides by s,
    so that colours fade instead of piling up at the ends.
    """
    if mode == "none":
        return x0
    if mode == "static":
        return x0.clamp(-bound, bound)
    s = torch.quantile(x0.abs().flatten(1), percentile, dim=1).clamp(min=1)
    s = s.view(-1, *[1] * (x0.ndim - 1))
    return torch.maximum(torch.minimum(x0, s), -s) / s
