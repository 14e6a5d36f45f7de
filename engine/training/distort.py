"""What the reading networks see in training besides clean drawings.

Generated pictures are softer and noisier than drawn ones and have flaws that no drawing has. Each
network learns from another kind of distortion, so that they do not share one blind spot. None of
them changes what a label says.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Pictures = Float[Tensor, "n 3 h w"]


def roughen(x: Pictures, rng: torch.Generator) -> Pictures:
    """Small shifts, softness, light and colour casts, noise: for the attribute network.

    x: sRGB in [-1, 1]; rng: decides everything.
    """
    x = _shifted(x, 2, rng)
    soft = _chance(x, 0.35, rng)
    size = int(torch.randint(34, 58, (1,), generator=rng))
    x[soft] = _resampled(x[soft], size)
    blur = _chance(x, 0.25, rng)
    x[blur] = torch.lerp(
        x[blur], F.avg_pool2d(x[blur], 3, 1, 1, count_include_pad=False), _uniform(1, 0, 1, rng)
    )
    x = x * _uniform(len(x), 0.92, 1.08, rng) + _uniform(len(x), -0.06, 0.06, rng)
    x = x + 0.03 * torch.randn(len(x), 3, 1, 1, generator=rng)
    return x + torch.randn(x.shape, generator=rng) * _uniform(len(x), 0.0, 0.08, rng)


def weather(x: Pictures, rng: torch.Generator) -> Pictures:
    """Small zooms, gamma, coarse levels, cloudy casts, hidden patches: for the judge.

    x: sRGB in [-1, 1]; rng: decides everything.
    """
    x = _zoomed(x, rng)
    x = ((x + 1) / 2).clamp(1e-4, 1) ** _uniform(len(x), 0.87, 1.15, rng)
    coarse = _chance(x, 0.25, rng)
    levels = _uniform(len(coarse), 12, 48, rng)
    x[coarse] = (x[coarse] * levels).round() / levels
    x = x * 2 - 1
    cloud = torch.randn(len(x), 3, 6, 6, generator=rng) * _uniform(len(x), 0.0, 0.07, rng)
    x = x + F.interpolate(cloud, x.shape[-2:], mode="bilinear", align_corners=False)
    soft = _chance(x, 0.3, rng)
    x[soft] = _gaussian(x[soft], float(_uniform(1, 0.4, 1.0, rng)))
    for i in _chance(x, 0.12, rng).tolist():
        top, left, height, width = (int(v) for v in torch.randint(0, 52, (4,), generator=rng))
        patch = x[i, :, top : top + 5 + height // 6, left : left + 5 + width // 6]
        patch.copy_(patch.mean((1, 2), keepdim=True).expand_as(patch))
    return x


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return torch.rand(n, 1, 1, 1, generator=rng) * (high - low) + low


def _chance(x: Pictures, share: float, rng: torch.Generator) -> Tensor:
    """The indices of a random share of the batch."""
    return torch.nonzero(torch.rand(len(x), generator=rng) < share)[:, 0]


def _shifted(x: Pictures, most: int, rng: torch.Generator) -> Pictures:
    height, width = x.shape[-2:]
    padded = F.pad(x, (most,) * 4, mode="replicate")
    offsets = torch.randint(0, 2 * most + 1, (len(x), 2), generator=rng).tolist()
    return torch.stack(
        [p[:, t : t + height, s : s + width] for p, (t, s) in zip(padded, offsets, strict=True)]
    )


def _resampled(x: Pictures, size: int) -> Pictures:
    small = F.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, x.shape[-2:], mode="bilinear", align_corners=False)


def _zoomed(x: Pictures, rng: torch.Generator) -> Pictures:
    theta = torch.zeros(len(x), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = _uniform(len(x), 0.95, 1.06, rng)[:, 0, 0, 0]
    theta[:, :, 2] = torch.rand(len(x), 2, generator=rng) * 0.1 - 0.05
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _gaussian(x: Pictures, sigma: float) -> Pictures:
    taps = torch.exp(-0.5 * (torch.arange(-2.0, 3.0) / sigma) ** 2)
    taps = (taps / taps.sum()).expand(x.shape[1], 1, 5)
    padded = F.pad(x, (2, 2, 2, 2), mode="replicate")
    across = F.conv2d(padded, taps[:, :, None, :], groups=x.shape[1])
    return F.conv2d(across, taps[:, :, :, None], groups=x.shape[1])
