"""Background, neck, shoulders and clothing, in the picture's own frame."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.portraits.lighting import CLOTH_SHADOW, SKIN_SHADOW, WARM, Lamp, lit
from engine.portraits.shapes import Pen, Rays, ellipsoid, paint, ramp, shade, unit
from engine.portraits.traits import Traits


def background(t: Traits, px: Tensor, py: Tensor) -> Tensor:
    """A smooth two-colour ground with a glow behind the head: [n, 3, p]."""
    along = (py * -0.5 + 0.5).add(px * (0.28 * t["background_slant"])).clamp(0.0, 1.0)
    colour = torch.lerp(t.sky.expand(-1, -1, along.shape[1]), t.ground, along.unsqueeze(1))
    gx, gy = px - 0.30 * t["light_x"], py - 0.25
    glow = torch.exp_((gx * gx + gy * gy) * -1.3).mul_(0.55)
    colour = colour + glow.unsqueeze(1) * (0.18 + 0.82 * t.sky - colour)
    corner = (px * px + py * py).mul(0.07)
    return colour.mul_(1.0 - corner.unsqueeze(1))


def draw_body(t: Traits, canvas: Tensor, pen: Pen, px: Tensor, py: Tensor, lamp: Lamp) -> None:
    """Neck, shoulders and what is worn."""
    masculine = 0.5 - 0.5 * t["gender"]
    x = px - 0.30 * t.centre[0]
    _draw_neck(t, canvas, pen, x, py, lamp, masculine)
    flat = torch.zeros_like(x)
    one = torch.ones_like(masculine)
    rays = Rays((x, py + 0.0 * x, flat), (0.0 * one, 0.0 * one, one))
    wide = 0.60 + 0.22 * masculine
    torso = ellipsoid(rays, (0.0, -1.34, -0.1), (wide, 0.60 + 0.0 * one, 0.42))
    alpha = pen.fill(torso.inside)
    alpha = alpha.mul_(1.0 - pen.fill(_neckline(t, x, py)))
    nx, ny, nz = torso.normal
    fold = torch.cos(x * 9.0 + py * 5.0).mul_(0.07)
    normal = unit((nx + fold, ny + 0.25, nz))
    stripes = t.is_value("clothing", "striped shirt")
    arc = py + 0.35 * x * x
    band = (torch.cos(arc * 36.0).mul_(1.2).add_(0.5)).clamp_(0.0, 1.0).mul_(stripes)
    albedo = torch.lerp(t.cloth.expand(-1, -1, x.shape[1]), t.cloth_second, band.unsqueeze(1))
    rim = lamp.edge(normal).unsqueeze(1)
    albedo = lit(albedo, lamp.diffuse(normal), CLOTH_SHADOW, 1.10)
    shadow = ramp(py, -0.86, -0.62).mul_(ramp(x.abs(), 0.45, 0.15)).mul_(0.35)
    shade(albedo, 0.6, shadow)
    paint(canvas, albedo + rim * 0.35, alpha)
    _draw_collar(t, canvas, pen, x, py, torso.inside)


def _neckline(t: Traits, x: Tensor, y: Tensor) -> Tensor:
    """Where clothing is cut away around the neck: positive inside the cut."""
    v_neck = t.is_value("clothing", "V-neck") + 0.75 * t.is_value("clothing", "shirt with a collar")
    ax = x.abs()
    scoop = 0.27 - torch.sqrt(x * x + ((y + 0.70) * 1.35) ** 2)
    vee = torch.minimum((y + 0.985).sub_(ax * 1.35).mul_(0.6), 0.25 - ax)
    return torch.lerp(scoop, vee, (v_neck > 0.1).to(x.dtype))


def _draw_neck(
    t: Traits, canvas: Tensor, pen: Pen, x: Tensor, y: Tensor, lamp: Lamp, masculine: Tensor
) -> None:
    wide = 0.165 + 0.075 * masculine
    flare = ramp(y, -0.66, -1.0).mul_(0.14)
    u = (x / (wide + flare)).clamp_(-1.3, 1.3)
    nz = (1.0 - u * u).clamp_(min=0.02).sqrt_()
    normal = (u, torch.full_like(u, 0.08), nz)
    skin = lit(t.skin, lamp.diffuse(normal), SKIN_SHADOW)
    shade(skin, 0.62, ramp(y, -0.84, -0.60))
    tall = t.is_value("clothing", "turtleneck")
    wool = lit(t.cloth, lamp.diffuse(normal), CLOTH_SHADOW, 1.1)
    rib = torch.cos(u * 16.0).mul_(0.06).add_(0.96).unsqueeze(1)
    shade(wool, 0.7, ramp(y, -0.80, -0.62))
    alpha = pen.fill((1.0 - u.abs()) * (wide + flare)).mul_((y < 0.0).to(u.dtype))
    paint(canvas, skin, alpha)
    grown = pen.fill((1.12 - u.abs()) * (wide + flare)).mul_(pen.fill(-0.66 - 0.10 * u * u - y))
    paint(canvas, wool * rib, grown.mul_(tall))


def _draw_collar(t: Traits, canvas: Tensor, pen: Pen, x: Tensor, y: Tensor, torso: Tensor) -> None:
    """A ribbed edge on round and V necks, a folded collar on shirts."""
    edge = _neckline(t, x, y)
    below = ramp(y, -0.66, -0.72)
    fold = t.is_value("clothing", "shirt with a collar")
    tall = t.is_value("clothing", "turtleneck")
    ribbed = (1.0 - fold).mul(1.0 - tall)
    rib = pen.line(edge + 0.028, 0.026).mul_(pen.fill(torso + 0.012)).mul_(ribbed)
    paint(canvas, t.cloth * 0.72, rib)
    ax = x.abs()
    leaf = torch.minimum(0.135 + edge * 1.0, -edge)
    leaf = torch.minimum(leaf, (y + 0.96 - 0.30 * ax).mul_(0.9))
    leaf = torch.minimum(torch.minimum(leaf, 0.40 - ax), torso + 0.07)
    light = torch.tensor(WARM, device=t.device)[:, None]
    colour = torch.lerp(t.cloth_second, light.expand_as(t.cloth_second), 0.12)
    cover = pen.fill(leaf).mul_(fold).mul_(below)
    paint(canvas, colour * 0.96, cover)
    shade(canvas, 0.72, pen.line(leaf, 0.010).mul_(fold).mul_(below))
