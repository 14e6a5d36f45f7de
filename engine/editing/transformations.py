"""What happens to a picture that is printed and photographed, with gradients.

Each takes levels [n, 3, h, w] in [0, 255] and a source of random numbers, and gives levels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate, pad

Transformation = Callable[[Tensor, torch.Generator], Tensor]

SCALES = (0.5, 1.25)
QUALITIES = (50, 95)
DEGREES = 12.0
LIGHT = 0.25  # how far brightness and contrast may go from 1

# Tables K.1 and K.2 of ITU-T T.81, for quality 50.
LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
) + (99,) * 32  # fmt: skip
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def resized(x: Float[Tensor, "n 3 h w"], source: torch.Generator) -> Float[Tensor, "n 3 g v"]:
    """The picture at another size."""
    scale = SCALES[0] + (SCALES[1] - SCALES[0]) * _uniform(source)
    size = [max(8, round(side * scale)) for side in x.shape[-2:]]
    return interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)


def saved(x: Float[Tensor, "n 3 h w"], source: torch.Generator) -> Float[Tensor, "n 3 h w"]:
    """The picture after a JPEG file of some quality."""
    return jpeg(x, round(QUALITIES[0] + (QUALITIES[1] - QUALITIES[0]) * _uniform(source)))


def turned(x: Float[Tensor, "n 3 h w"], source: torch.Generator) -> Float[Tensor, "n 3 h w"]:
    """The picture turned about its middle; the border is repeated where nothing is."""
    angle = math.radians(DEGREES * (2 * _uniform(source) - 1))
    cos, sin, ratio = math.cos(angle), math.sin(angle), x.shape[-2] / x.shape[-1]
    place = torch.tensor([[cos, -sin * ratio, 0.0], [sin / ratio, cos, 0.0]])
    grid = affine_grid(place[None].expand(len(x), -1, -1), list(x.shape), align_corners=False)
    return grid_sample(x, grid, padding_mode="border", align_corners=False)


def lit(x: Float[Tensor, "n 3 h w"], source: torch.Generator) -> Float[Tensor, "n 3 h w"]:
    """The picture in another light: brightness and contrast."""
    bright = 1 + LIGHT * (2 * _uniform(source) - 1)
    contrast = 1 + LIGHT * (2 * _uniform(source) - 1)
    return ((x * bright - 127.5) * contrast + 127.5).clamp(0, 255)


BY_NAME: Mapping[str, Transformation] = {
    "resize": resized,
    "jpeg": saved,
    "rotation": turned,
    "brightness": lit,
}


def jpeg(x: Float[Tensor, "n 3 h w"], quality: int) -> Float[Tensor, "n 3 h w"]:
    """What a JPEG file of that quality (1 to 100) keeps, colours at half the size.

    Blocks, cosine transform and tables of ITU-T T.81; rounding lets gradients through as if it did
    nothing (the straight-through estimator of Bengio et al., 2013), for its own are zero.
    """
    height, width = x.shape[-2:]
    x = pad(x, (0, -width % 16, 0, -height % 16), mode="replicate")
    matrix = torch.tensor(TO_YCC)
    ycc = torch.einsum("ij,njhw->nihw", matrix, x)
    luma = _blocks(ycc[:, :1] - 128.0, _table(LUMA, quality)) + 128.0
    chroma = _blocks(avg_pool2d(ycc[:, 1:], 2), _table(CHROMA, quality))
    chroma = interpolate(chroma, scale_factor=2.0, mode="bilinear", align_corners=False)
    back = torch.linalg.inv(matrix)
    rgb = torch.einsum("ij,njhw->nihw", back, torch.cat([luma, chroma], 1))
    return _rounded(rgb.clamp(0, 255))[..., :height, :width]


def _blocks(plane: Tensor, table: Tensor) -> Tensor:
    """Every 8 x 8 block in whole steps of the table."""
    n, c, h, w = plane.shape
    parts = plane.reshape(n, c, h // 8, 8, w // 8, 8).permute(0, 1, 2, 4, 3, 5)
    cosines = _cosines()
    waves = cosines @ parts @ cosines.T
    kept = cosines.T @ (_rounded(waves / table) * table) @ cosines
    return kept.permute(0, 1, 2, 4, 3, 5).reshape(n, c, h, w)


def _rounded(x: Tensor) -> Tensor:
    return x + (x.round() - x).detach()


def _table(base: tuple[int, ...], quality: int) -> Tensor:
    """The table at a quality, by the scaling that the reference implementation uses."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    table = (torch.tensor(base, dtype=torch.float32).reshape(8, 8) * scale + 50) / 100
    return table.floor().clamp(1, 255)


@cache
def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 values."""
    k, n = torch.arange(8.0)[:, None], torch.arange(8.0)[None]
    matrix = torch.cos((2 * n + 1) * k * math.pi / 16) / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def _uniform(source: torch.Generator) -> float:
    return float(torch.rand((), generator=source))
