"""Adversarial latents: the smallest move in w after which the attribute network says otherwise.

The question's margin and all the other attributes are constraints; the shortest move that meets
them is found by solving them linearised, again and again: v <- A+ (A v + b - f(v)), the step of
least norm of Gauss and Newton (as DeepFool does for one boundary, Moosavi-Dezfooli et al., 2016).
Moves are counted in deviations of the model's own w, where every direction is as common as any
other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from engine.cancel import CancelToken
from engine.editing.generator import Differentiable
from engine.editing.invert import Spread
from engine.editing.victims import ReaderVictim, attribute_logits
from engine.perception.columns import Columns

MARGIN = 0.3  # logits by which the wanted answer shall lead
LONGEST = 1.5  # deviations of one step; longer ones would leave what is linear
RIDGE = 0.03  # a drift that costs as much as one deviation, in halves of an attribute's range
STEPS = 14
CLOSE = 0.1  # deviations: a shorter step is the end

Seen = Callable[[int, int, float, Tensor], None]  # step, steps, margin, the picture [1, 3, r, r]


@dataclass(frozen=True)
class Found:
    """ws of the picture that was reached; far: the length of the move in deviations."""

    ws: Float32[np.ndarray, "num_ws w_dim"]
    reached: bool
    far: float


def flip(
    net: Differentiable,
    victim: ReaderVictim,
    ws: Float32[np.ndarray, "num_ws w_dim"],
    spread: Spread,
    question: str,
    target: int,
    cancel: CancelToken,
    seen: Seen,
) -> Found:
    """Search for the move. A cancelled search raises Cancelled."""
    start = torch.from_numpy(np.array(ws, np.float32))
    v, best = torch.zeros(net.w_dim), None
    first = torch.zeros(0)
    for step in range(1, STEPS + 1):
        cancel.check()
        values, a, image = _linear(net, victim, start, spread, v, question, target)
        lead = float(values[0])
        first = values.clone() if step == 1 else first
        best = v if lead >= 0 else best
        seen(step, STEPS, lead, image)
        gap = (first - values) / RIDGE
        gap[0] = MARGIN - lead
        a[1:] /= RIDGE
        move = _shortest(a, a @ v + gap) - v
        long = float(move.norm())
        if long < CLOSE and best is not None:
            break
        v = v + move * min(1.0, LONGEST / max(long, 1e-12))
    move = v if best is None else best
    if best is not None:
        move = _shortened(net, victim, start, spread, best, question, target)
    found = (start + move @ spread.colour).numpy().astype(np.float32)
    return Found(np.ascontiguousarray(found), best is not None, float(move.norm()))


def margin_of(
    raw: Float[Tensor, "1 outputs"], columns: Columns, question: str, target: int
) -> Float[Tensor, ""]:
    """By how much the wanted answer's logit leads the best of the others."""
    logits = attribute_logits(raw, columns, question)[0]
    others = torch.cat([logits[:target], logits[target + 1 :]])
    return logits[target] - others.max()


def _shortest(a: Float[Tensor, "m n"], b: Float[Tensor, " m"]) -> Float[Tensor, " n"]:
    """min |v|^2 + |a' v - b'|^2 for the held rows, the margin's own (the first) met exactly.

    By its dual: v = a^T (a a^T + D)^-1 b, D being 0 for the exact row and 1 for the soft ones.
    """
    soft = torch.ones(len(a))
    soft[0] = 1e-6
    dual: Tensor = torch.linalg.solve(a @ a.T + torch.diag(soft), b)
    return a.T @ dual


def _shortened(
    net: Differentiable,
    victim: ReaderVictim,
    start: Tensor,
    spread: Spread,
    v: Float[Tensor, " w_dim"],
    question: str,
    target: int,
) -> Float[Tensor, " w_dim"]:
    """The same move cut as short as the answer stays: by halving."""
    low, high = 0.0, 1.0
    with torch.no_grad():
        for _ in range(8):
            middle = (low + high) / 2
            image = net.images((start + middle * v @ spread.colour)[None])
            raw = victim.raw(_levels(image))
            leads = float(margin_of(raw, victim.reader.columns, question, target)) > 0.05
            low, high = (low, middle) if leads else (middle, high)
    return v * high


def _linear(
    net: Differentiable,
    victim: ReaderVictim,
    start: Tensor,
    spread: Spread,
    v: Float[Tensor, " n"],
    question: str,
    target: int,
) -> tuple[Float[Tensor, " m"], Float[Tensor, "m n"], Float[Tensor, "1 3 r r"]]:
    """Margin and held values at a move, their gradients, and the picture there.

    One copy of the picture for each value, so that one pass back gives every gradient.
    """
    columns = victim.reader.columns
    rows = 1 + len(_kept(columns, question))
    moving = v.expand(rows, -1).clone().requires_grad_()
    images = net.images(start[None] + (moving @ spread.colour)[:, None])
    raw = victim.raw(_levels(images))
    held = _held(raw, columns, question)
    values = torch.cat([margin_of(raw[:1], columns, question, target)[None], held.diagonal(1)])
    (gradients,) = torch.autograd.grad(values.sum(), moving)
    return values.detach(), gradients, images[:1].detach()


def _held(
    raw: Float[Tensor, "m outputs"], columns: Columns, question: str
) -> Float[Tensor, "held m"]:
    """What stays, a row each: every other attribute that any face shows. Of a categorical one it is
    how far its likeliest answer leads the mean."""
    kept = []
    for at in _kept(columns, question):
        part = raw[:, at]
        one = part.shape[1] == 1
        kept.append(part[:, 0] if one else (part.amax(1) - part.mean(1)) / part.shape[1])
    return torch.stack(kept)


def _kept(columns: Columns, question: str) -> list[slice]:
    """Where the outputs of what stays lie."""
    pairs = zip(columns.items, columns.slices, strict=True)
    return [at for column, at in pairs if column.name != question and column.given is None]


def _levels(image: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n 3 r r"]:
    return (image.clamp(-1, 1) + 1) * 127.5
