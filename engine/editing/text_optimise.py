"""Moves a latent until its picture is as a text says: latent optimisation.

StyleCLIP (Patashnik et al., 2021, equation 1): Adam on w+ under CLIP's distance to what is asked
for, and the squared distance from where the latent began. What is asked for is the picture's own
place in CLIP's space plus the change between two texts (after Gal et al., 2022), so that all that
the texts do not speak of is asked to stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.cancel import CancelToken
from engine.editing.generator import Differentiable, schedule
from engine.editing.invert import Spread
from engine.editing.text_change import Aim
from engine.perception.clip.model import Clip

Seen = Callable[[int, int, float, Tensor], None]  # step, steps, share of the way, pictures


@dataclass(frozen=True)
class OptimiseSettings:
    """steps, rate: of Adam, in deviations of w. stay: weight of the squared distance from the
    start, apart: of the layers' steps from one another. shift: pixels of 64 by which pictures are
    shifted at most before CLIP looks, so that no single pixel counts."""

    steps: int = 60
    rate: float = 0.2
    stay: float = 0.3
    apart: float = 2.0
    shift: int = 2


def optimise(
    net: Differentiable,
    clip: Clip,
    spread: Spread,
    ws: Float[Tensor, "n num_ws w_dim"],
    aim: Aim,
    strength: float,
    settings: OptimiseSettings,
    cancel: CancelToken,
    seen: Seen,
) -> Float[Tensor, "n num_ws w_dim"]:
    """ws whose pictures went `strength` deviations along the text's change.

    seen: told of every step. When cancelled it answers with where it is.
    """
    source = torch.Generator().manual_seed(0)
    with torch.no_grad(), net.casting():
        start = clip.embed_images(net.images(ws)).float()
    goal = aim.goal(start, strength)
    at = spread.deviations(ws)
    step = torch.zeros_like(at, requires_grad=True)
    optimiser = torch.optim.Adam([step], lr=settings.rate, betas=(0.9, 0.99))
    for index in range(settings.steps):
        if cancel.cancelled:
            break
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * schedule(index + 1, settings.steps + 1)
        with net.casting():
            images = net.images(spread.ws(at + step))
            looked = clip.embed_images(shifted(images, settings.shift, source)).float()
        loss = text_loss(looked, goal, aim, strength) + settings.stay * off(step)
        loss = loss + settings.apart * off(step - step.mean(1, keepdim=True))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        seen(
            index + 1, settings.steps, gone(looked.detach(), start, aim, strength), images.detach()
        )
    return spread.ws(at + step.detach())


def text_loss(
    looked: Float[Tensor, "n dim"], goal: Float[Tensor, "n dim"], aim: Aim, strength: float
) -> Float[Tensor, ""]:
    """The summed distance of pictures from their goals; 1 for one that has not moved, about."""
    whole = max(0.5 * (strength * aim.deviation) ** 2, 1e-8)
    return (1 - (looked * goal).sum(1)).sum() / whole


def off(step: Float[Tensor, "n num_ws w_dim"]) -> Float[Tensor, ""]:
    """Mean square of a step, summed over pictures."""
    return step.square().mean((1, 2)).sum()


def shifted(images: Float[Tensor, "n 3 r r"], most: int, source: torch.Generator) -> Tensor:
    """Pictures a little aside, the edge filling in; by shares of their size."""
    reach = max(1, round(most * images.shape[-1] / 64)) if most else 0
    if not reach:
        return images
    x, y = (int(torch.randint(0, 2 * reach + 1, (), generator=source)) for _ in range(2))
    side = images.shape[-1]
    padded = torch.nn.functional.pad(images, (reach,) * 4, mode="replicate")
    return padded[:, :, y : y + side, x : x + side]


def gone(
    looked: Float[Tensor, "n dim"], start: Float[Tensor, "n dim"], aim: Aim, strength: float
) -> float:
    """The share of the way along the text's change that pictures have gone."""
    way = ((looked - start) @ aim.direction).mean()
    return float(way) / max(abs(strength) * aim.deviation, 1e-8) * (1 if strength >= 0 else -1)
