"""Eyeglasses: two lenses on a plane before the face, a bridge, and arms to the ears."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.portraits.head import EYE_X, EYE_Y
from engine.portraits.shapes import Pen, Rays, paint, ramp, shade
from engine.portraits.traits import Traits, rgb

PLANE_Z = 0.585
# In the order of the values of glasses_shape: round, square, aviator, sunglasses.
_HALF_X = (0.180, 0.188, 0.190, 0.200)
_HALF_Y = (0.172, 0.135, 0.158, 0.140)
_CORNER = (0.170, 0.050, 0.120, 0.085)
_TAPER = (0.0, 0.05, 0.55, 0.30)
_THICK = (0.021, 0.026, 0.015, 0.026)


def rim_distance(t: Traits, x: Tensor, y: Tensor) -> Tensor:
    """Signed distance to the rim of the lens: positive inside, in the lens plane."""
    half_x, half_y = t.by_value("glasses_shape", _HALF_X), t.by_value("glasses_shape", _HALF_Y)
    corner = t.by_value("glasses_shape", _CORNER)
    v = y - (EYE_Y - 0.012)
    u = (x.abs() - (EYE_X + 0.004)) * (1.0 - t.by_value("glasses_shape", _TAPER) * v)
    qx, qy = u.abs_() - (half_x - corner), v.abs_() - (half_y - corner)
    inner = torch.maximum(qx, qy).clamp_(max=0.0)
    px, py = qx.clamp_(min=0.0), qy.clamp_(min=0.0)
    return (px * px).addcmul_(py, py).sqrt_().add_(inner).neg_().add_(corner)


def draw_shadow(t: Traits, canvas: Tensor, pen: Pen, x: Tensor, y: Tensor) -> None:
    """The soft shadow that the frame throws on the face, away from the light."""
    on = t["eyeglasses"]
    distance = rim_distance(t, x + 0.03 * t["light_x"], y + 0.025)
    soft = (0.050 - distance.abs_()).mul_(1.0 / 0.05).clamp_(0.0, 1.0)
    shade(canvas, 0.72, soft.mul_(on))


def draw_front(t: Traits, canvas: Tensor, pen: Pen, rays: Rays, t_hair: Tensor) -> None:
    """Lenses, rims and bridge, where hair does not hang before them.

    t_hair: depth of the nearest hair on each ray, or a value far behind.
    """
    depth = (PLANE_Z - rays.o[2]) * (1.0 / rays.v[2])
    x, y, _ = rays.at(depth)
    seen = ((depth - t_hair).mul_(25.0).add_(0.5).clamp_(0.0, 1.0)).mul_(t["eyeglasses"])
    dark = t.is_value("glasses_shape", "sunglasses")
    distance = rim_distance(t, x, y)
    lens = pen.fill(distance).mul_(seen)
    fade = ((y - EYE_Y) * 1.6 + 0.75).clamp_(0.0, 1.0)
    black = rgb(["14141c"], t.device).unsqueeze(2)
    smoke = torch.lerp(t.frame * 0.55 + 0.08, black, fade.unsqueeze(1))
    paint(canvas, smoke, lens * (dark * (fade * 0.17 + 0.80)))
    white = torch.ones(1, 3, 1, device=t.device)
    side = torch.where(t["light_x"] < 0, -1.0, 1.0)
    streak = x * side - EYE_X * x.sign() * side + 0.9 * y - 0.05
    glare = ramp(streak.abs_(), 0.085, 0.05).mul_(0.16 + 0.10 * dark).add_(0.03)
    paint(canvas, white, glare.mul_(lens))
    thick = t.by_value("glasses_shape", _THICK)
    brow_bar = ramp(y, EYE_Y + 0.02, EYE_Y + 0.14).mul_(0.35).add_(1.0)
    wire = pen.line(distance, thick * brow_bar)
    ax = x.abs()
    gap = EYE_X - t.by_value("glasses_shape", _HALF_X) + 0.012
    arch = y - (EYE_Y + 0.055) + ax * ax * 2.0
    bridge = pen.line(arch, thick * 0.95).mul_(pen.fill(gap - ax))
    frame = torch.maximum(wire, bridge).mul_(seen)
    metal = ramp(y, EYE_Y - 0.16, EYE_Y + 0.18).mul_(0.32).unsqueeze(1)
    paint(canvas, t.frame * 0.86 + metal * (t.frame * 0.55 + 0.25), frame)


def draw_arms(
    t: Traits, canvas: Tensor, pixel_pen: Pen, px: Tensor, py: Tensor, t_front: Tensor
) -> None:
    """The arms, from the outer edges of the rims to the ears, where nothing hides them.

    px, py: pixel positions in the picture. t_front: depth of what is nearest on each ray.
    """
    half_x = t.by_value("glasses_shape", _HALF_X)
    for side in (-1.0, 1.0):
        a = t.to_picture((side * (EYE_X + half_x - 0.005), EYE_Y + 0.055, PLANE_Z))
        b = t.to_picture((side * 0.565, EYE_Y + 0.045, -0.02))
        ux, uy = b[0] - a[0], b[1] - a[1]
        wx, wy = px - a[0], py - a[1]
        s = (wx * ux).addcmul_(wy, uy).mul_(1.0 / (ux * ux + uy * uy + 1e-6)).clamp_(0.0, 1.0)
        wx, wy = wx.sub_(s * ux), wy.sub_(s * uy)
        away = (wx * wx).addcmul_(wy, wy).sqrt_()
        depth = s.mul_(b[2] - a[2]).add_(a[2])
        seen = (depth - t_front).add_(0.05).mul_(22.0).add_(0.5).clamp_(0.0, 1.0)
        alpha = pixel_pen.line(away, 0.019).mul_(seen).mul_(t["eyeglasses"])
        paint(canvas, t.frame * 0.9, alpha)
