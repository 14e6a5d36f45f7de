"""Adaptive discriminator augmentation (Karras et al., 2020, "limited data").

Both real and made pictures are changed at random with probability p a change before the
discriminator sees them, and p follows how much it overfits. A training set that is drawn anew
at will gives little to memorise, so p stays near 0 there; the code costs nothing at p = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Changes:
    """One random change a picture, drawn apart from its use so that threads draw nothing.

    look: where each output pixel looks, in coordinates from -1 to 1. mix, offset: the colours.
    """

    look: Float[Tensor, "n 3 3"]
    mix: Float[Tensor, "n 3 3"]
    offset: Float[Tensor, "n 3 1"]

    def part(self, which: slice) -> Changes:
        """The changes of some of the pictures."""
        return Changes(self.look[which], self.mix[which], self.offset[which])


def draw_changes(n: int, size: int, p: float, device: torch.device) -> Changes | None:
    """Random flips, shifts, turns, scales and colour changes; None at p = 0.

    p: probability of each change. size: of the pictures, in px.
    """
    if p <= 0.0:
        return None
    mix, offset = _colours(n, p, device)
    return Changes(_geometry(n, size, p, device), mix, offset)


def apply_changes(
    images: Float[Tensor, "n 3 h w"], changes: Changes | None
) -> Float[Tensor, "n 3 h w"]:
    """The pictures changed; themselves when `changes` is None."""
    if changes is None:
        return images
    moved = _sampled(images, changes.look)
    flat = moved.float().flatten(2)
    return (changes.mix @ flat + changes.offset).reshape(images.shape)


def _chosen(values: Tensor, neutral: float, p: float) -> Tensor:
    """`values` with probability p each, else the value that changes nothing."""
    keep = torch.rand(values.shape[0], device=values.device) < p
    return torch.where(keep, values, torch.full_like(values, neutral))


def _matrix(rows: list[list[Tensor]]) -> Float[Tensor, "n k k"]:
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _turn(angle: Tensor) -> Float[Tensor, "n 3 3"]:
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    cos, sin = angle.cos(), angle.sin()
    return _matrix([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])


def _scale(x: Tensor, y: Tensor) -> Float[Tensor, "n 3 3"]:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix([[x, zero, zero], [zero, y, zero], [zero, zero, one]])


def _shift(x: Tensor, y: Tensor) -> Float[Tensor, "n 3 3"]:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix([[one, zero, x], [zero, one, y], [zero, zero, one]])


def _geometry(n: int, size: int, p: float, device: torch.device) -> Float[Tensor, "n 3 3"]:
    """Where each output pixel looks, in coordinates from -1 to 1."""

    def normal(deviation: float) -> Tensor:
        return torch.randn(n, device=device) * deviation

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, device=device)

    one = torch.ones(n, device=device)
    flip = _chosen(-one, 1.0, p / 2)
    quarter = _chosen(torch.randint(0, 4, (n,), device=device) * (math.pi / 2), 0.0, p)
    whole_x = _chosen((uniform(-0.125, 0.125) * size).round() * (2 / size), 0.0, p)
    whole_y = _chosen((uniform(-0.125, 0.125) * size).round() * (2 / size), 0.0, p)
    zoom = _chosen(torch.exp2(normal(0.2)), 1.0, p)
    # Two chances to turn that together come to p.
    p_turn = 1.0 - math.sqrt(1.0 - min(p, 1.0))
    before = _chosen(uniform(-math.pi, math.pi), 0.0, p_turn)
    stretch = _chosen(torch.exp2(normal(0.2)), 1.0, p)
    after = _chosen(uniform(-math.pi, math.pi), 0.0, p_turn)
    part_x, part_y = _chosen(normal(0.25), 0.0, p), _chosen(normal(0.25), 0.0, p)
    pixels = _scale(flip, one) @ _turn(quarter) @ _shift(whole_x, whole_y)
    return (
        pixels
        @ _scale(zoom, zoom)
        @ _turn(before)
        @ _scale(stretch, 1 / stretch)
        @ _turn(after)
        @ _shift(part_x, part_y)
    )


def _sampled(images: Tensor, look: Float[Tensor, "n 3 3"]) -> Tensor:
    grid = F.affine_grid(look[:, :2].to(images.dtype), list(images.shape), align_corners=False)
    return F.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def _colours(n: int, p: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Brightness, contrast, luma flip, hue and saturation as a 3x3 matrix and an offset."""
    axis = torch.full((3,), 1 / math.sqrt(3.0), device=device)
    along = torch.outer(axis, axis)
    eye = torch.eye(3, device=device)
    contrast = _chosen(torch.exp2(torch.randn(n, device=device) * 0.5), 1.0, p)[:, None, None]
    brightness = _chosen(torch.randn(n, device=device) * 0.2, 0.0, p)[:, None, None]
    luma = _chosen(torch.full((n,), 2.0, device=device), 0.0, p / 2)[:, None, None]
    hue = _chosen((torch.rand(n, device=device) * 2 - 1) * math.pi, 0.0, p)[:, None, None]
    richness = _chosen(torch.exp2(torch.randn(n, device=device)), 1.0, p)[:, None, None]
    a = float(axis[0])
    cross = torch.tensor([[0.0, -a, a], [a, 0.0, -a], [-a, a, 0.0]], device=device)
    turn = along + hue.cos() * (eye - along) + hue.sin() * cross
    mix = (along + richness * (eye - along)) @ turn @ (eye - luma * along) * contrast
    return mix, mix @ (brightness * torch.ones(3, 1, device=device))


@dataclass
class AdaptiveStrength:
    """Steers p by r_t, the mean sign of the logits of real pictures.

    target: where r_t should be (0.6 in the paper); 0 keeps p at 0.
    span: images in which p may travel from 0 to 1.
    """

    target: float
    span: int
    every: int = 4
    p: float = 0.0
    r_t: float = 0.0
    _signs: float = 0.0
    _count: int = 0
    _steps: int = 0

    def observe(self, real_logits: Float[Tensor, " n"]) -> None:
        """Take in the logits of one batch of real pictures."""
        self._signs += float(real_logits.detach().sign().sum())
        self._count += real_logits.shape[0]
        self._steps += 1
        if self._steps % self.every:
            return
        self.r_t = self._signs / self._count
        if self.target > 0:
            step = math.copysign(self._count / self.span, self.r_t - self.target)
            self.p = min(1.0, max(0.0, self.p + step))
        self._signs, self._count = 0.0, 0

    def state(self) -> dict[str, float]:
        """Everything a resumed run needs."""
        return {
            "p": self.p, "r_t": self.r_t, "signs": self._signs,
            "count": self._count, "steps": self._steps,
        }  # fmt: skip

    def restore(self, state: dict[str, float]) -> None:
        """The inverse of `state`."""
        self.p, self.r_t, self._signs = state["p"], state["r_t"], state["signs"]
        self._count, self._steps = int(state["count"]), int(state["steps"])
