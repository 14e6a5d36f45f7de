"""What is painted on the head: eyes, brows, mouth, the lines of age, and the beard."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.portraits.head import EYE_X, EYE_Y, MOUTH_Y
from engine.portraits.shapes import Pen, Vector, bell, paint, ramp, shade
from engine.portraits.traits import Traits, rgb


def _colour(t: Traits, hexadecimal: str) -> Tensor:
    return rgb([hexadecimal], t.device).unsqueeze(2)


def draw_eyes(t: Traits, canvas: Tensor, pen: Pen, x: Tensor, y: Tensor) -> None:
    """Large lively eyes: white, iris, pupil, two highlights, lid, lashes."""
    feminine, age, smile = 0.5 + 0.5 * t["gender"], t["age"], t["smile"]
    size = 0.97 + 0.20 * t["eye_size"] + 0.15 * feminine + 0.10 * (1 - 2.5 * age).clamp(min=0)
    size = size - 0.10 * age
    half = 0.128 * size
    ex = x.abs() - EYE_X
    ey = y - EYE_Y - ex * (0.10 * feminine + 0.02 - 0.20 * age)
    u = ex / half
    arch = (1.0 - u * u).clamp_(min=-1.5)
    upper = arch * ((0.112 - 0.035 * age) * size) - ey
    lower = arch * ((0.085 - 0.035 * smile.clamp(min=0)) * size) + ey
    white = pen.fill(torch.minimum(upper, lower).mul_(0.8))
    paint(canvas, _colour(t, "fbf8f4"), white)
    _draw_iris(t, canvas, pen, (x.sign(), ex, ey), size, white)
    shade(canvas, 0.72, ramp(upper, 0.055, 0.0).mul_(white))
    _draw_glints(t, canvas, pen, (x.sign(), ex, ey), white)
    _draw_lids(t, canvas, pen, (u, arch, ey), (upper, lower), size)


def _draw_iris(
    t: Traits, canvas: Tensor, pen: Pen, eye: Vector, size: Tensor, white: Tensor
) -> None:
    """Iris and pupil; `eye` is which eye (-1 or 1), and the place within it."""
    ix, iy = _gaze(t, eye)
    r = (ix * ix + iy * iy).sqrt_()
    radius = 0.083 * size
    iris = pen.fill(radius - r).mul_(white)
    deep = (iy * (-6.0)).add_(0.75).clamp_(0.25, 1.25)
    paint(canvas, t.eye * deep.unsqueeze(1), iris)
    shade(canvas, 0.35, pen.line(r - radius, 0.012).mul_(white))
    paint(canvas, _colour(t, "140d12"), pen.fill(0.56 * radius - r).mul_(white))


def _gaze(t: Traits, eye: Vector) -> tuple[Tensor, Tensor]:
    """The place relative to the pupil."""
    side, ex, ey = eye
    # The eyes keep towards the viewer a little when the head turns away.
    gx = side * (0.030 * t["gaze"] - 0.035 * t["yaw"])
    return ex - gx, ey - 0.008 + 0.012 * t["pitch"]


def _draw_glints(t: Traits, canvas: Tensor, pen: Pen, eye: Vector, white: Tensor) -> None:
    side = eye[0]
    ix, iy = _gaze(t, eye)
    glint = 0.030 * t["light_x"].sign() * (0.4 + 0.6 * t["light_x"].abs())
    dx, dy = ix - side * glint, iy - 0.034
    spark = pen.fill(0.030 - (dx * dx + dy * dy).sqrt_()).mul_(white)
    dx, dy = ix + side * glint, iy + 0.036
    spark = spark.add_(pen.fill(0.016 - (dx * dx + dy * dy).sqrt_()).mul_(white), alpha=0.7)
    paint(canvas, _colour(t, "ffffff"), spark.clamp_(max=1.0))


def _draw_lids(
    t: Traits, canvas: Tensor, pen: Pen, eye: Vector, lids: tuple[Tensor, Tensor], size: Tensor
) -> None:
    """Lids and crease; feminine faces have thicker upper lids with a flick of lashes."""
    feminine, age = 0.5 + 0.5 * t["gender"], t["age"]
    u, arch, ey = eye
    upper, lower = lids
    thick = 0.010 + 0.022 * feminine
    reach = ramp(u, 1.06 + 0.30 * feminine, 0.98).mul_(ramp(u, -1.06, -0.98))
    flick = (u - 0.75).clamp_(min=0.0).mul_(0.07 * feminine)
    lid = pen.line(upper.add_(flick).mul_(0.8) + 0.4 * thick, thick).mul_(reach)
    paint(canvas, _colour(t, "2a1a1c"), lid.mul_(0.95))
    low = pen.line(lower.mul_(0.8), 0.006).mul_(ramp(u.abs(), 1.0, 0.8))
    shade(canvas, 0.55, low)
    crease = pen.line(arch.mul_(0.135 * size) - ey, 0.007 + 0.004 * age)
    shade(canvas, 0.62, crease.mul_(ramp(u.abs(), 1.05, 0.7)).mul_(0.55 + 0.45 * age))


def draw_brows(t: Traits, canvas: Tensor, pen: Pen, x: Tensor, y: Tensor) -> None:
    """Brows: heavy and level on masculine faces, fine and arched on feminine ones."""
    masculine, smile = 0.5 - 0.5 * t["gender"], t["smile"]
    u = (x.abs() - EYE_X - 0.012) * (1.0 / 0.158)
    grump = (-smile - 0.15).clamp(min=0.0)
    arch = 0.028 + 0.030 * (1.0 - masculine) + 0.015 * smile.clamp(min=0.0)
    middle = 0.222 - 0.04 * masculine + 0.02 * smile - 0.02 * t["age"]
    level = (1.0 - u * u).mul_(arch).add_(u * (0.055 * grump - 0.016)).add_(middle)
    weight = 0.010 + 0.027 * masculine + 0.013 * t["brow_weight"]
    weight = weight * (1.15 - 0.45 * u)
    brow = pen.line(y - level, weight).mul_(ramp(u.abs(), 1.05, 0.90))
    colour = torch.lerp(t.hair * 0.78, t.skin * 0.45, 0.25)
    paint(canvas, colour, brow.mul_(0.92))


def draw_mouth(t: Traits, canvas: Tensor, pen: Pen, x: Tensor, y: Tensor) -> None:
    """A mouth from a clear frown to an open smile with teeth."""
    smile, age = t["smile"], t["age"]
    happy, sad = smile.clamp(min=0.0), (-smile).clamp(min=0.0)
    feminine = 0.5 + 0.5 * t["gender"]
    half = 0.170 + 0.090 * happy - 0.015 * sad - 0.012 * feminine
    opening = ((smile - 0.15) / 0.85).clamp(0.0, 1.0) * 0.155
    u = x / half
    uu = u * u
    arch = (1.0 - uu).clamp_(min=-0.6)
    # The line where the lips meet: corners up for a smile, down for a frown.
    line = y - MOUTH_Y - 0.02 * happy - uu * (0.025 + 0.105 * smile) + 0.03 * smile
    full = (0.75 + 0.45 * t["lip_fullness"] + 0.35 * feminine) * (1.0 - 0.35 * age)
    bow = 1.0 - 0.35 * torch.exp_(uu * -18.0)
    top = arch * (0.046 * full) * bow - line
    bottom = arch * (0.058 * full + opening) + line
    lips = pen.fill(torch.minimum(top, bottom).mul_(0.9))
    gloss = bell(u, line + opening, 0.0, -0.032, 0.55, 0.02).mul_(0.35)
    paint(canvas, t.lips + gloss.unsqueeze(1) * (1.0 - t.lips) * 0.8, lips)
    hole_top = -line
    hole_low = arch * opening + line
    hole = pen.fill(torch.minimum(hole_top, hole_low)).mul_((opening * 60.0).clamp(max=1.0))
    paint(canvas, _colour(t, "5a1420"), hole)
    tongue = pen.fill(line.add(opening * 0.55).neg_()).mul_(hole)
    paint(canvas, _colour(t, "d9606a"), tongue.mul_(ramp(u.abs(), 0.75, 0.4)))
    teeth = pen.fill(line + 0.56 * opening * arch).mul_(hole)
    paint(canvas, _colour(t, "fffaf2"), teeth)
    meet = pen.line(line, 0.010).mul_(ramp(u.abs(), 1.12, 0.95))
    paint(canvas, t.lips * 0.42, meet.mul_(1.0 - 0.7 * (opening * 40.0).clamp(max=1.0)))
    corner = bell(x.abs(), line, half + 0.012, 0.0, 0.030, 0.030)
    shade(canvas, 0.62, corner.mul_(0.35 + 0.5 * smile.abs()))


def draw_age(t: Traits, canvas: Tensor, pen: Pen, x: Tensor, y: Tensor) -> None:
    """Forehead lines, crow's feet, bags under the eyes, folds beside nose and mouth."""
    old = ((t["age"] - 0.30) / 0.70).clamp(0.0, 1.0)
    happy = t["smile"].clamp(min=0.0)
    ax = x.abs()
    ink = torch.zeros_like(x)
    fade = ramp(ax, 0.30, 0.15)
    for level, strength in ((0.315, 0.9), (0.385, 1.0), (0.455, 0.7)):
        wave = y - level - 0.02 * torch.cos(ax * 9.0)
        ink.add_(pen.line(wave, 0.011).mul_(fade), alpha=strength)
    ex, ey = ax - EYE_X, y - EYE_Y
    bag = pen.line(ey + (0.118 - 1.9 * ex * ex), 0.013).mul_(ramp(ex.abs(), 0.13, 0.07))
    ink.add_(bag)
    feet = ramp(ex, 0.135, 0.16).mul_(ramp(ex, 0.26, 0.20))
    for slope in (0.45, 0.0, -0.45):
        ink.add_(pen.line(ey - slope * (ex - 0.10), 0.009).mul_(feet), alpha=0.9)
    v = (y + 0.30) * (1.0 / 0.17)
    fold = ax - (0.225 + 0.035 * happy) + 0.085 * v + 0.03 * v * v
    folds = pen.line(fold, 0.014).mul_(ramp(v.abs(), 1.0, 0.6))
    w = (y + 0.49) * (1.0 / 0.09)
    folds.add_(pen.line(ax - 0.20 - 0.02 * w, 0.011).mul_(ramp(w.abs(), 1.0, 0.5)), alpha=0.45)
    ink = ink.mul_(old).add_(folds * (0.75 * old + 0.22 * happy * (1 - old))).clamp_(max=1.0)
    tint = torch.tensor([0.74, 0.60, 0.57], device=t.device)[:, None]
    shade(canvas, tint, ink)


def draw_beard(t: Traits, canvas: Tensor, pen: Pen, x: Tensor, y: Tensor) -> None:
    """Full beard, moustache or goatee; its thickness is the amount of facial hair."""
    amount = t["facial_hair"]
    full = t.is_value("beard_shape", "full beard")
    only_lip = t.is_value("beard_shape", "moustache")
    ax = x.abs()
    smile = t["smile"]
    border = -0.345 + 2.0 * (ax - 0.20).clamp(min=0.0) ** 1.5 + 0.02 * smile
    chin = border.sub(y).mul_(0.7)
    narrow = torch.minimum(chin, 0.215 - ax)
    jaw = full * chin + (1.0 - full) * narrow
    jaw = jaw - 9.0 * only_lip
    u = ax * (1.0 / (0.215 + 0.03 * smile.clamp(min=0.0)))
    ridge = y - (MOUTH_Y + 0.105 - 0.085 * u * u + 0.055 * smile * u * u)
    lip = (1.0 - u * u).clamp_(min=-1.0).mul_(0.030 + 0.028 * amount) - ridge.abs()
    region = torch.maximum(jaw, lip)
    mouth = (x * (1.0 / 0.20)) ** 2 + ((y - MOUTH_Y + 0.03) * (1.0 / 0.085)) ** 2
    region = torch.minimum(region, torch.maximum(lip, (mouth - 1.0) * 0.06))
    alpha = (region * 34.0).add_(0.5).clamp_(0.0, 1.0)
    depth = (amount * 3.5).clamp(max=1.0)
    alpha = alpha.mul_(0.94 * depth)
    grain = torch.cos(ax * 46.0 - y * 12.0).mul_(0.06).add_(0.86)
    paint(canvas, t.hair * grain.unsqueeze(1), alpha)
