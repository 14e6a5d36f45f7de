"""Light on matter: a soft key light, coloured shadow, a sheen and a warm rim."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.portraits.shapes import Vector, dot


class Lamp:
    """The lights of n pictures, given in the frame in which the normals are.

    to_light, to_rim, to_viewer: unit directions, each component [n, 1].
    """

    def __init__(self, to_light: Vector, to_rim: Vector, to_viewer: Vector) -> None:
        self.to_light = to_light
        self.to_rim = to_rim
        self.to_viewer = to_viewer
        half = tuple(a + b for a, b in zip(to_light, to_viewer, strict=True))
        inverse = (half[0] ** 2 + half[1] ** 2 + half[2] ** 2).rsqrt()
        self.half = (half[0] * inverse, half[1] * inverse, half[2] * inverse)

    def diffuse(self, normal: Vector) -> Tensor:
        """Wrapped Lambert light in [0, 1]: soft, never quite black on the far side."""
        return dot(normal, self.to_light).add_(0.42).mul_(1.0 / 1.42).clamp_(0.0, 1.0)

    def sheen(self, normal: Vector, power: int) -> Tensor:
        """A Blinn highlight; `power` is a power of two."""
        s = dot(normal, self.half).clamp_(min=0.0)
        while power > 1:
            s = s.mul_(s)
            power //= 2
        return s

    def edge(self, normal: Vector) -> Tensor:
        """The rim light: only near the outline, on the side away from the key light."""
        facing = dot(normal, self.to_viewer).clamp_(0.12, 1.0)
        grazing = facing.neg_().add_(1.0)
        back = dot(normal, self.to_rim).add_(0.15).clamp_(0.0, 1.0)
        return (grazing * grazing).mul_(grazing).mul_(back)


def lit(
    albedo: Tensor, light: Tensor, shadow_tint: tuple[float, float, float], gain: float = 1.08
) -> Tensor:
    """albedo [n, 3, *] under light [n, p]: `shadow_tint` of it at 0, `gain` of it at 1."""
    low = torch.tensor(shadow_tint, device=light.device)[:, None]
    return (light.unsqueeze(1) * (gain - low)).add_(low).mul_(albedo)


SKIN_SHADOW = (0.62, 0.44, 0.44)
HAIR_SHADOW = (0.40, 0.36, 0.44)
CLOTH_SHADOW = (0.50, 0.46, 0.58)
WARM = (1.0, 0.90, 0.74)
