"""Draw portraits: rays cast at analytic shapes, all pictures and pixels at once.

The picture is the square [-1, 1] x [-1, 1] under an orthographic camera. Layers go from back to
front: ground, inside of the hair, body, ears, head with its painted face, hair, eyeglasses.
Ears, hair and glasses are hidden by comparing depths. Edges are smoothed analytically over one
pixel, so that every size is crisp and no pixel is computed twice.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from engine.portraits import body, face, glasses, hair, head
from engine.portraits.attributes import ATTRIBUTES
from engine.portraits.lighting import SKIN_SHADOW, Lamp, lit
from engine.portraits.shapes import Pen, Rays, Surface, dot, paint, ramp, shade
from engine.portraits.traits import HEAD_SIZE, Traits

# Pixels worked on at once: about what keeps the temporaries of one step in a core's cache.
CPU_PIXELS = 65536
GPU_PIXELS = 4_194_304
FAR = -9.0


def render(
    table: Float32[np.ndarray, "n columns"] | Float32[Tensor, "n columns"],
    size: int,
    device: str = "cpu",
    extent: float = 1.0,
) -> Float32[Tensor, "n 3 size size"]:
    """Draw every row of a label table: float32, [-1, 1], NCHW, sRGB.

    size: pixels on a side, 16 to 512 (more works). Each pixel depends on its row alone.
    extent: what is seen, in half-widths of a portrait; 2 sees as much again on every side.
    Raises ValueError when the table has other columns than ATTRIBUTES.
    """
    rows = torch.as_tensor(table, dtype=torch.float32, device=device)
    if rows.ndim != 2 or rows.shape[1] != len(ATTRIBUTES):
        raise ValueError(
            f"A label table has {len(ATTRIBUTES)} columns, got shape {tuple(rows.shape)}."
        )
    out = torch.empty(len(rows), 3, size * size, device=rows.device)
    centres = ((torch.arange(size, device=rows.device) + 0.5) * (2.0 / size) - 1.0) * extent
    py, px = (a.reshape(1, -1) for a in torch.meshgrid(-centres, centres, indexing="ij"))
    budget = GPU_PIXELS if rows.device.type == "cuda" else CPU_PIXELS
    pixels = min(size * size, budget)
    pictures = max(1, budget // pixels)

    def draw(first: int) -> None:
        with torch.inference_mode():
            traits = Traits(rows[first : first + pictures])
            for start in range(0, size * size, pixels):
                part = slice(start, min(start + pixels, size * size))
                drawn = _draw(traits, px[:, part], py[:, part], size / (2.0 * extent))
                drawn.clamp_(0.0, 1.0).mul_(2.0).sub_(1.0)
                out[first : first + pictures, :, part] = drawn

    _for_each(draw, range(0, len(rows), pictures), rows.device)
    return out.reshape(len(rows), 3, size, size)


def _for_each(draw: Callable[[int], None], firsts: range, device: torch.device) -> None:
    """Call `draw` for every chunk: on the CPU one chunk a core, else one after the other.

    The steps are too short to be split among cores themselves: waiting would cost more.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or len(firsts) == 1:
        for first in firsts:
            draw(first)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool:
            for _ in pool.map(draw, firsts):
                pass
    finally:
        torch.set_num_threads(threads)


def _draw(t: Traits, px: Tensor, py: Tensor, per_unit: float) -> Tensor:
    """The colours in [0, 1] of the pixels at px, py ([1, p]): [n, 3, p]."""
    pen = Pen(torch.full((1, 1), per_unit, device=t.device))
    world = Lamp(t.light, t.rim, (0 * t.light[0], 0 * t.light[0], 0 * t.light[0] + 1.0))
    zero = torch.zeros_like(t.light[0])
    rays = _head_rays(t, px, py)
    local = Lamp(t.to_head(t.light), t.to_head(t.rim), rays.v)
    canvas = body.background(t, px, py)
    mane = hair.hair_surface(t, rays)
    at_hair = rays.at(mane.t)
    surface = head.head_surface(t, rays)
    at_head = rays.at(surface.t)
    outline = pen.fill(mane.inside)
    # One pixel smaller than the outline: else two soft edges would add up to a hard one.
    _draw_hair_inside(t, canvas, rays, mane, pen.fill(mane.inside - 1.2 / per_unit))
    body.draw_body(t, canvas, pen, px + zero, py + zero, world)
    for side in (-1.0, 1.0):
        _draw_ear(t, canvas, pen, rays, side, surface, local, front=False)
    _draw_head(t, canvas, pen, surface, at_head, local, per_unit)
    for side in (-1.0, 1.0):
        _draw_ear(t, canvas, pen, rays, side, surface, local, front=True)
    in_head = torch.where(surface.inside > 0, surface.t, FAR)
    kept = _draw_hair(t, canvas, pen, mane, outline, at_hair, in_head, local)
    front = torch.maximum(in_head - 0.03, torch.where(kept > 0.4, mane.t + 0.08, FAR))
    glasses.draw_arms(t, canvas, pen, px + zero, py + zero, front)
    glasses.draw_front(t, canvas, pen, rays, torch.where(kept > 0.5, mane.t, FAR))
    return canvas


def _head_rays(t: Traits, px: Tensor, py: Tensor) -> Rays:
    x, y = (px - t.centre[0]) * (1.0 / HEAD_SIZE), (py - t.centre[1]) * (1.0 / HEAD_SIZE)
    ox, oy, oz = (torch.addcmul(x * a[0], y, a[1]) for a in t.axes)
    return Rays((ox, oy, oz), (t.axes[0][2], t.axes[1][2], t.axes[2][2]))


def _draw_hair_inside(
    t: Traits, canvas: Tensor, rays: Rays, mane: Surface, outline: Tensor
) -> None:
    """The far inner side of the hair, seen through the opening for the face."""
    far_side = rays.at(mane.t - 0.6)
    inside = (hair.covered(t, far_side) * 12.0).add_(0.5).clamp_(0.0, 1.0)
    paint(
        canvas,
        t.hair * torch.tensor([0.52, 0.46, 0.48], device=t.device)[:, None],
        outline * inside,
    )


def _draw_ear(
    t: Traits,
    canvas: Tensor,
    pen: Pen,
    rays: Rays,
    side: float,
    surface: Surface,
    lamp: Lamp,
    front: bool,
) -> None:
    ear = head.ear(t, rays, side)
    alpha = pen.fill(ear.inside).mul_(1.0 - hair.loose(t))
    if front:
        alpha.mul_((ear.t - surface.t).mul_(18.0).clamp_(0.0, 1.0))
        alpha.mul_(pen.fill(surface.inside))
    colour = lit(t.skin * 0.97, lamp.diffuse(ear.normal), SKIN_SHADOW)
    shade(colour, 0.70, ramp(ear.inside, 0.022, 0.05))
    paint(canvas, colour, alpha)


def _draw_head(
    t: Traits,
    canvas: Tensor,
    pen: Pen,
    surface: Surface,
    point: tuple[Tensor, Tensor, Tensor],
    lamp: Lamp,
    per_unit: float,
) -> None:
    """Paint the face on the head, light it, and lay it over the picture."""
    x, y, _ = point
    facing = dot(surface.normal, lamp.to_viewer).clamp_(0.35, 1.0)
    fine = Pen(facing * per_unit)
    shaped = head.sculpt(t, surface, x, y)
    albedo = head.skin_tones(t, x, y)
    face.draw_age(t, albedo, fine, x, y)
    face.draw_beard(t, albedo, fine, x, y)
    face.draw_mouth(t, albedo, fine, x, y)
    face.draw_eyes(t, albedo, fine, x, y)
    face.draw_brows(t, albedo, fine, x, y)
    glasses.draw_shadow(t, albedo, fine, x, y)
    near_hair = ramp(hair.covered(t, point), -0.11, 0.03)
    shade(albedo, torch.tensor([0.80, 0.69, 0.68], device=t.device)[:, None], near_hair)
    colour = lit(albedo, lamp.diffuse(shaped.normal), SKIN_SHADOW)
    gloss = lamp.sheen(shaped.normal, 16).mul_(0.13).unsqueeze(1)
    rim = lamp.edge(shaped.normal).mul_(0.75).unsqueeze(1)
    warm = torch.tensor([1.0, 0.84, 0.66], device=t.device)[:, None]
    colour.add_(gloss).add_(rim * warm * (0.35 + 0.65 * t.skin))
    paint(canvas, colour, pen.fill(surface.inside))


def _draw_hair(
    t: Traits,
    canvas: Tensor,
    pen: Pen,
    mane: Surface,
    outline: Tensor,
    point: tuple[Tensor, Tensor, Tensor],
    t_head: Tensor,
    lamp: Lamp,
) -> Tensor:
    """The hair before and around the face; gives its coverage [n, p]."""
    facing = dot(mane.normal, lamp.to_viewer).clamp_(0.35, 1.0)
    edge = hair.covered(t, point)
    kept = Pen(facing * pen.per_unit * (1.0 / 0.85)).fill(edge)
    kept = kept.mul_((mane.t - t_head).mul_(30.0).add_(0.6).clamp_(0.0, 1.0)).mul_(outline)
    paint(canvas, hair.hair_colour(t, mane, point, edge, lamp), kept)
    return kept
