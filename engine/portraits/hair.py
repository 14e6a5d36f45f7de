"""Hair: one outer surface around the head with an opening for the face.

Behind the face the whole surface is drawn first, dark, as the inside of the hair; in front of it
the same surface without its opening. Turning, hiding and framing then need no special cases.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.portraits.lighting import HAIR_SHADOW, Lamp, lit
from engine.portraits.shapes import Rays, Surface, Vector, ellipsoid, join, ramp, smooth_max, unit
from engine.portraits.traits import Traits

# In the order of the values of hair_shape: side-parted, fringed, swept-back, curly, in a bun.
_FOREHEAD = (0.385, 0.225, 0.435, 0.36, 0.42)
_SWEEP = (0.30, 0.05, 0.10, 0.10, 0.16)
_PUFF_Y = (0.42, 0.38, 0.56, 0.34, 0.76)
_PUFF_Z = (0.10, 0.10, 0.20, -0.06, -0.20)
_PUFF_X = (0.44, 0.40, 0.42, 0.60, 0.235)
_PUFF_H = (0.27, 0.25, 0.24, 0.46, 0.215)
_PUFF_D = (0.40, 0.40, 0.34, 0.55, 0.235)


def hair_surface(t: Traits, rays: Rays) -> Surface:
    """The outer surface of the hair, from a crop to a mane."""
    length, volume = t["hair_length"], t["hair_volume"]
    curly = t.is_value("hair_shape", "curly")
    body = ((length - 0.04) / 0.16).clamp(0.0, 1.0)  # cropped hair lies close to the skull
    wide = 0.94 + 0.12 * t["face_width"]
    lift = body * (0.025 + 0.06 * volume + 0.08 * curly)
    cap = ellipsoid(
        rays, (0.0, 0.14 + 0.3 * lift, -0.06),
        (0.562 * wide + 0.9 * lift, 0.545 + lift, 0.59 + lift),
    )  # fmt: skip
    puff = body * (0.7 + 0.3 * volume)
    part = t["hair_part"] * t.by_value("hair_shape", (-0.10, 0.0, -0.06, 0.0, 0.0))
    top = ellipsoid(
        rays,
        (part, 0.2 + (t.by_value("hair_shape", _PUFF_Y) - 0.2) * body,
         t.by_value("hair_shape", _PUFF_Z)),
        (t.by_value("hair_shape", _PUFF_X) * puff + 0.01,
         t.by_value("hair_shape", _PUFF_H) * puff + 0.01,
         t.by_value("hair_shape", _PUFF_D) * puff + 0.01),
    )  # fmt: skip
    whole = join(cap, top, 0.05)
    fall = ((length - 0.25) / 0.75).clamp(0.0, 1.0)
    shown = ((length - 0.25) / 0.10).clamp(0.0, 1.0)
    mane = ellipsoid(
        rays, (0.0, -0.12 - 0.40 * fall, -0.14),
        ((0.605 + 0.04 * fall + 0.06 * volume + 0.08 * curly) * (0.5 + 0.5 * shown),
         (0.47 + 0.40 * fall) * (0.4 + 0.6 * shown), (0.50 + 0.06 * volume) * (0.5 + 0.5 * shown)),
    )  # fmt: skip
    return _curl(t, join(whole, mane, 0.10), rays, body * (0.18 + 0.82 * curly))


def _curl(t: Traits, surface: Surface, rays: Rays, amount: Tensor) -> Surface:
    """Waves and curls: a smooth bumpy pattern that moves outline and normals alike."""
    k = 12.5
    # The outline is bent at one depth: at the surface's own, which is steep there, it would tear.
    x, y, z = rays.o
    height = (x * k).cos_().add_((y * k + z * 4.0).sin_()).add_((z * k - y * 3.0).cos_())
    inside = surface.inside.addcmul(height, amount * 0.023)
    x, y, z = rays.at(surface.t)
    bend = amount * 0.24
    nx, ny, nz = surface.normal
    nx = torch.addcmul(nx, torch.sin(x * k), bend)
    ny = torch.addcmul(ny, torch.cos(y * k + z * 4.0), -bend)
    nz = torch.addcmul(nz, torch.sin(z * k - y * 3.0), bend)
    return Surface(surface.t, unit((nx, ny, nz)), inside)


def loose(t: Traits) -> Tensor:
    """0 where the ears are free, 1 where the hair hangs over them: [n, 1]."""
    return ((t["hair_length"] - 0.22) / 0.16).clamp(0.0, 1.0)


def covered(t: Traits, point: Vector) -> Tensor:
    """How far inside the haired part of the scalp a point is; negative in the opening."""
    x, y, z = point
    length = t["hair_length"]
    inverse = (x * x).addcmul_(z, z).add_(1e-3).rsqrt_()
    ahead, aside = z * inverse, x * inverse
    masculine = 0.5 - 0.5 * t["gender"]
    recede = 0.10 * masculine * ((t["age"] - 0.35) / 0.65).clamp(0.0, 1.0)
    short = ((0.30 - length) / 0.30).clamp(0.0, 1.0)
    forehead = t.by_value("hair_shape", _FOREHEAD)
    forehead = forehead + (0.375 - forehead) * short * 0.7 + recede
    sweep = t.by_value("hair_shape", _SWEEP) * (1.0 - 0.8 * short)
    away = aside - 0.42 * t["hair_part"].sign() * (0.5 + 0.5 * t["hair_part"].abs())
    temple = ramp(ahead, 0.12, 0.62)
    line = (away * away).mul_(-sweep).add_(forehead + 0.45 * sweep)
    sideburn = 0.03 - 0.02 * length
    line = torch.lerp(sideburn.expand_as(line), line, temple)
    over = y - line
    hangs = loose(t)
    edge = -0.06 + 0.62 * hangs - 0.05 * (t["hair_volume"] - 0.5) * hangs
    hem = -0.36 - 0.95 * ((length - 0.25) / 0.75).clamp(min=0.0)
    curtain = torch.minimum((edge - ahead).mul_(0.6), (y - hem).mul_(0.9))
    return smooth_max(over, curtain, 0.10)


def hair_colour(t: Traits, surface: Surface, point: Vector, edge: Tensor, lamp: Lamp) -> Tensor:
    """Lit hair with strands and a band of sheen: [n, 3, p].

    edge: distance to the border of the hair, which is rounded down to the skin.
    """
    x, y, z = point
    inverse = (x * x).addcmul_(z, z).add_(1e-3).rsqrt_()
    strand = torch.cos(x * inverse * 15.0 - y * 3.0).mul_((z * inverse * 8.0).cos_())
    short = ((0.15 - t["hair_length"]) / 0.15).clamp(0.0, 1.0)
    light = lamp.diffuse(surface.normal).addcmul_(strand, 0.085 * (1.0 - short))
    light.mul_(ramp(edge, -0.02, 0.10).mul_(0.30).add_(0.70))
    colour = lit(t.hair, light.clamp_(0.0, 1.1), HAIR_SHADOW, 1.16)
    band = lamp.sheen(surface.normal, 16).mul_(strand.mul_(0.25).add_(0.75))
    gloss = t.hair * 0.75 + 0.16
    colour.add_(gloss * (band * (0.42 - 0.25 * short)).unsqueeze(1))
    rim = lamp.edge(surface.normal).mul_(0.95).unsqueeze(1)
    warm = torch.tensor([1.0, 0.88, 0.70], device=t.device)[:, None]
    return colour.add_(rim * (0.45 * warm + 0.55 * t.hair))
