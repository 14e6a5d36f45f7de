"""Rays against ellipsoids, smooth unions, and coverage: the alphabet of the renderer.

The camera is orthographic. In the head's own frame a pixel is the line o + t v: o [n, p] for
each pixel, v [n, 1] for each picture, and a larger t is nearer to the viewer.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

Vector = tuple[Tensor, Tensor, Tensor]  # x, y, z, each [n, p] or [n, 1]
Number = Tensor | float


class Rays(NamedTuple):
    """One line a pixel: origins o (each [n, p]) and the direction to the viewer v ([n, 1])."""

    o: Vector
    v: Vector

    def at(self, t: Tensor) -> Vector:
        """The points o + t v."""
        return (
            torch.addcmul(self.o[0], t, self.v[0]),
            torch.addcmul(self.o[1], t, self.v[1]),
            torch.addcmul(self.o[2], t, self.v[2]),
        )


class Surface(NamedTuple):
    """What the rays meet: depth t, outward normal (not of unit length), distance inside.

    inside: about the distance in the picture to the outline, positive within it. Beyond the
    outline, t and normal go on smoothly, so that surfaces can be joined there.
    """

    t: Tensor
    normal: Vector
    inside: Tensor


def ellipsoid(
    rays: Rays, centre: tuple[Number, Number, Number], radii: tuple[Number, Number, Number]
) -> Surface:
    """Meet an axis-aligned ellipsoid, by the quadratic equation of the scaled sphere."""
    inverse = [1.0 / r for r in radii]
    a = [(o - c) * i for o, c, i in zip(rays.o, centre, inverse, strict=True)]
    b = [v * i for v, i in zip(rays.v, inverse, strict=True)]
    bb = b[0] * b[0] + b[1] * b[1] + b[2] * b[2]
    middle = (a[0] * b[0]).addcmul_(a[1], b[1]).addcmul_(a[2], b[2]).mul_(-1.0 / bb)
    nearest = [x.addcmul_(middle, y) for x, y in zip(a, b, strict=True)]
    m = (nearest[0] * nearest[0]).addcmul_(nearest[1], nearest[1])
    m.addcmul_(nearest[2], nearest[2])
    half = (1.0 - m).clamp_(min=0.0).mul_(1.0 / bb).sqrt_()
    outside = m.add_(1e-9).sqrt_().neg_().add_(1.0)  # positive within the outline
    normal = (
        nearest[0].addcmul_(half, b[0]).mul_(inverse[0]),
        nearest[1].addcmul_(half, b[1]).mul_(inverse[1]),
        nearest[2].addcmul_(half, b[2]).mul_(inverse[2]),
    )
    t = middle.add_(half).add_(outside.clamp(max=0.0), alpha=1.5)
    return Surface(t, unit(normal), outside.mul_(0.5 * (radii[0] + radii[1])))


def unit(v: Vector) -> Vector:
    """The same directions with length 1; works in place."""
    inverse = (v[0] * v[0]).addcmul_(v[1], v[1]).addcmul_(v[2], v[2]).add_(1e-12).rsqrt_()
    return v[0].mul_(inverse), v[1].mul_(inverse), v[2].mul_(inverse)


def join(a: Surface, b: Surface, k: float) -> Surface:
    """The smooth union of two surfaces: depths within k of each other blend into a fillet."""
    difference = a.t - b.t
    h = (difference * (0.5 / k)).add_(0.5).clamp_(0.0, 1.0)
    fillet = (1.0 - h).mul_(h).mul_(k)
    t = torch.addcmul(b.t, difference, h).add_(fillet)
    normal = (
        torch.lerp(b.normal[0], a.normal[0], h),
        torch.lerp(b.normal[1], a.normal[1], h),
        torch.lerp(b.normal[2], a.normal[2], h),
    )
    return Surface(t, unit(normal), smooth_max(a.inside, b.inside, k))


def smooth_max(a: Tensor, b: Tensor, k: float) -> Tensor:
    """The maximum with its corner rounded over a width k."""
    difference = (a - b).abs_()
    corner = difference.mul_(-1.0 / k).add_(1.0).clamp_(min=0.0)
    return torch.maximum(a, b).addcmul_(corner, corner, value=0.25 * k)


def dot(a: Vector, b: Vector) -> Tensor:
    """The inner product."""
    return (a[0] * b[0]).addcmul_(a[1], b[1]).addcmul_(a[2], b[2])


def ramp(x: Tensor, low: Number, high: Number) -> Tensor:
    """0 at `low`, 1 at `high`, with smooth ends (cubic Hermite)."""
    u = ((x - low) * (1.0 / (high - low))).clamp_(0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)


def bell(x: Tensor, y: Tensor, x0: Number, y0: Number, sx: Number, sy: Number) -> Tensor:
    """A round bump of height 1 around (x0, y0)."""
    u = (x - x0) * (1.0 / sx)
    v = (y - y0) * (1.0 / sy)
    return torch.exp_((u * u).addcmul_(v, v).mul_(-1.0))


class Pen:
    """Turns signed distances into coverage, smoothed over one pixel.

    per_unit: [n, p] or [n, 1], the pixels in one unit of length on the surface.
    """

    def __init__(self, per_unit: Tensor) -> None:
        self.per_unit = per_unit * 0.85

    def fill(self, inside: Tensor) -> Tensor:
        """Coverage of a region whose signed distance is positive inside."""
        return (inside * self.per_unit).add_(0.5).clamp_(0.0, 1.0)

    def line(self, distance: Tensor, half_width: Number) -> Tensor:
        """Coverage of a stroke; one thinner than a pixel fades instead of vanishing."""
        return self.fill(distance + half_width).sub_(self.fill(distance - half_width))


def paint(canvas: Tensor, colour: Tensor, alpha: Tensor) -> None:
    """Lay `colour` ([n, 3, 1] or [n, 3, p]) over `canvas` ([n, 3, p]) by `alpha` ([n, p])."""
    canvas.lerp_(colour.expand_as(canvas), alpha.unsqueeze(1).expand_as(canvas))


def shade(canvas: Tensor, tint: Tensor | float, alpha: Tensor) -> None:
    """Multiply `canvas` by `tint` where alpha is 1, leave it where alpha is 0."""
    if isinstance(tint, float):
        canvas.mul_((alpha * (tint - 1.0)).add_(1.0).unsqueeze(1))
    else:
        canvas.mul_((alpha.unsqueeze(1) * (tint - 1.0)).add_(1.0))
