"""The bare head: skull, jaw, chin, cheeks, nose and ears, and the tones of the skin."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.portraits.shapes import Rays, Surface, bell, ellipsoid, join, unit
from engine.portraits.traits import Traits

EYE_X, EYE_Y, MOUTH_Y = 0.222, 0.015, -0.375


def head_surface(t: Traits, rays: Rays) -> Surface:
    """The head without ears, as one smooth surface in its own frame (chin near y = -0.68)."""
    masculine = 0.5 - 0.5 * t["gender"]
    age, width = t["age"], 0.94 + 0.12 * t["face_width"]
    youth = (1.0 - 2.5 * age).clamp(min=0.0)
    bushy = t["facial_hair"] * (
        t.is_value("beard_shape", "full beard") + 0.6 * t.is_value("beard_shape", "goatee")
    )
    skull = ellipsoid(rays, (0.0, 0.13, -0.05), (0.545 * width, 0.52, 0.57))
    jaw_x = (0.405 + 0.110 * masculine + 0.03 * youth + 0.03 * age) * width
    jaw = ellipsoid(
        rays,
        (0.0, -0.20 + 0.03 * youth - 0.02 * age, 0.07),
        (jaw_x, 0.435 + 0.02 * masculine - 0.03 * youth, 0.455),
    )
    chin = ellipsoid(
        rays,
        (0.0, -0.52 - 0.035 * masculine + 0.05 * youth - 0.04 * bushy, 0.22),
        (0.145 + 0.135 * masculine + 0.03 * age + 0.03 * bushy,
         0.13 + 0.015 * masculine + 0.03 * bushy, 0.20 + 0.03 * bushy),
    )  # fmt: skip
    face = join(join(skull, jaw, 0.14), chin, 0.20)
    size = 0.82 + 0.32 * t["nose_size"] + 0.12 * masculine + 0.12 * age - 0.1 * youth
    bridge = ellipsoid(rays, (0.0, -0.01, 0.475), (0.058 * size, 0.17, 0.10 * size))
    tip = ellipsoid(
        rays, (0.0, -0.145 - 0.02 * age, 0.545), (0.088 * size, 0.072 * size, 0.10 * size)
    )
    nose = join(bridge, tip, 0.06)
    return join(face, nose, 0.055)


def sculpt(t: Traits, surface: Surface, x: Tensor, y: Tensor) -> Surface:
    """Bend the normals as if the face had eye sockets, cheeks and folds.

    x, y: the surface points in the head's frame. Only the normals change.
    """
    smile = t["smile"].clamp(min=0.0)
    age = t["age"]
    ax = x.abs()
    nx, ny, nz = surface.normal
    for amount, x0, y0, sx, sy in (
        (-0.050 - 0.02 * age, EYE_X - 0.02, EYE_Y + 0.03, 0.16, 0.12),  # eye sockets
        (0.045 + 0.045 * smile - 0.03 * age, 0.285, -0.18 + 0.03 * smile, 0.15, 0.12),  # cheeks
        (-0.020 * age, 0.33, -0.36, 0.12, 0.15),  # hollow cheeks
        (0.022 + 0.012 * age, 0.0, -0.46, 0.12, 0.05),  # under the lower lip
    ):
        bump = bell(ax, y, x0, y0, sx, sy).mul_(2.0 * amount)
        front = bump.mul_(nz.clamp(min=0.0))
        nx = nx + (ax - x0) * front * x.sign() * (1.0 / sx**2)
        ny = ny + (y - y0) * front * (1.0 / sy**2)
    return Surface(surface.t, unit((nx, ny, nz + 0.0)), surface.inside)


def skin_tones(t: Traits, x: Tensor, y: Tensor) -> Tensor:
    """The colour of the skin at surface points x, y: rosy cheeks and nose: [n, 3, p]."""
    ax = x.abs()
    feminine = 0.5 + 0.5 * t["gender"]
    blush = bell(ax, y, 0.32, -0.17, 0.16, 0.12)
    blush.mul_(0.34 + 0.22 * feminine + 0.14 * t["smile"].clamp(min=0.0))
    blush.add_(bell(ax, y, 0.0, -0.15, 0.10, 0.08), alpha=0.30)
    rosy = t.skin * torch.tensor([1.0, 0.70, 0.66], device=t.device)[:, None]
    return t.skin + blush.unsqueeze(1) * (rosy - t.skin)


def ear(t: Traits, rays: Rays, side: float) -> Surface:
    """The ear at the viewer's left (side -1) or right (+1) of a head that looks ahead."""
    grown = 1.0 + 0.18 * t["age"]
    width = 0.94 + 0.12 * t["face_width"]
    return ellipsoid(rays, (side * 0.535 * width, -0.03, -0.06), (0.065, 0.145 * grown, 0.10))
