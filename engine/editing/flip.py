"""Adversarial latents: the smallest move in w after which the attribute network says otherwise.

The move's length and the drift of all other attributes are kept small while the margin of the wanted
answer is a constraint whose price rises until it is met (the method of multipliers, Hestenes, 1969;
after Carlini and Wagner, 2017, who put the margin of logits in the place of the loss). What was
found is then cut as short as the answer stays. Moves are counted in deviations of the model's own w,
where every direction is as common as any other.
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
RIDGE = 0.1  # a drift that costs as much as one deviation, in halves of an attribute's range
STEPS = 120
RATE = 0.12  # of Adam, in deviations
PRICE = 2.0  # how quickly the price of a margin that is not met rises

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
    columns = victim.reader.columns
    start = torch.from_numpy(np.array(ws, np.float32))
    held = _held(columns, question)
    v = torch.zeros(net.w_dim, requires_grad=True)
    optimiser = torch.optim.Adam([v], lr=RATE)
    best: Tensor | None = None
    price = PRICE
    first = torch.zeros(0)
    for step in range(1, STEPS + 1):
        cancel.check()
        image = net.images((start + v @ spread.colour)[None])
        raw = victim.raw(_levels(image))
        margin = margin_of(raw, columns, question, target)
        lead = float(margin.detach())
        if step == 1:
            first = raw[0, held].detach()
        if lead >= 0 and (best is None or float(v.detach().norm()) < float(best.norm())):
            best = v.detach().clone()
        drift = ((raw[0, held] - first) / RIDGE).square().sum()
        loss = v.square().sum() / 2 + drift / 2 + price * (MARGIN - margin).clamp(min=0)
        seen(step, STEPS, lead, image.detach())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        price = max(0.0, price + PRICE * (MARGIN - lead))
    reached = best is not None
    move = v.detach() if best is None else best
    if reached:
        move = _shortened(net, victim, start, spread, move, question, target)
    found = (start + move @ spread.colour).numpy().astype(np.float32)
    return Found(np.ascontiguousarray(found), reached, float(move.norm()))


def margin_of(
    raw: Float[Tensor, "1 outputs"], columns: Columns, question: str, target: int
) -> Float[Tensor, ""]:
    """By how much the wanted answer's logit leads the best of the others."""
    logits = attribute_logits(raw, columns, question)[0]
    others = torch.cat([logits[:target], logits[target + 1 :]])
    return logits[target] - others.max()


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


def _held(columns: Columns, question: str) -> list[int]:
    """The raw outputs of every other attribute that any face shows."""
    return [
        index
        for column, at in zip(columns.items, columns.slices, strict=True)
        if column.name != question and column.given is None
        for index in range(at.start, at.stop)
    ]


def _levels(image: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n 3 r r"]:
    return (image.clamp(-1, 1) + 1) * 127.5
