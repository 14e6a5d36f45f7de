"""How different two pictures look: a loss with gradients, and a distance.

With the ImageNet network (a development package): squared differences of its unit-length feature
maps, as LPIPS takes them (Zhang et al., 2018) but with equal weights. Without it: differences of
pixels and of their slopes at four scales, which is lighter and less forgiving of small shifts.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from engine.errors import ModelError

SIDE = 128
Images = Float[Tensor, "n 3 height width"]


class Looks(Protocol):
    """What pictures look like: features that can be compared."""

    @property
    def name(self) -> str:
        """Which network, in words."""
        ...

    def features(self, images: Images) -> list[Tensor]:
        """images: sRGB in [-1, 1]. Maps to be compared by mean squared difference."""
        ...


class ImageNetLooks:
    """EfficientNet-Lite0's maps. Raises ModelError where its weights are not installed."""

    name = "EfficientNet-Lite0, ImageNet"

    def __init__(self) -> None:
        from engine.perception.imagenet import load

        self._network = load()

    def features(self, images: Images) -> list[Tensor]:
        """See Looks. Pictures are brought to 128 px, or 224 px where they are larger."""
        side = SIDE if images.shape[-1] <= SIDE else 224
        size = (side, side)
        x = interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
        maps = self._network.maps(x.clamp(-1, 1) * 127.5 / 128.0)
        return [m / (m.square().sum(1, keepdim=True) + 1e-6).sqrt() for m in maps]


class PyramidLooks:
    """Pixels and slopes at four scales; needs no network."""

    name = "pixels and slopes at four scales"

    def features(self, images: Images) -> list[Tensor]:
        """See Looks."""
        found, x = [], images
        for _ in range(4):
            found += [x, x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]]
            if min(x.shape[-2:]) < 8:
                break
            x = avg_pool2d(x, 2)
        return found


@lru_cache(maxsize=1)
def looks() -> Looks:
    """The best that is installed."""
    try:
        return ImageNetLooks()
    except ModelError:
        return PyramidLooks()


def difference(a: list[Tensor], b: list[Tensor]) -> Float[Tensor, " n"]:
    """How different two batches of features are, 0 for equal ones."""
    parts = [(x - y).square().sum(1).flatten(1).mean(1) for x, y in zip(a, b, strict=True)]
    return torch.stack(parts).mean(0)


def to_images(pixels: UInt8[np.ndarray, "n height width 3"]) -> Images:
    """uint8 NHWC to float NCHW in [-1, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).float()
    return x / 127.5 - 1.0


def steps_between(pixels: UInt8[np.ndarray, "n height width 3"], batch: int = 16) -> list[float]:
    """The distance from each picture to the next: the square root of their difference."""
    seen, found = looks(), []
    with torch.inference_mode():
        last: list[Tensor] | None = None
        for start in range(0, len(pixels), batch):
            part = seen.features(to_images(pixels[start : start + batch]))
            joined = part if last is None else [
                torch.cat([x, y]) for x, y in zip(last, part, strict=True)
            ]  # fmt: skip
            steps = difference([x[:-1] for x in joined], [x[1:] for x in joined])
            found += steps.clamp(min=0).sqrt().tolist()
            last = [x[-1:] for x in part]
    return found
