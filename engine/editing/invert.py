"""Finds the latent whose picture is a given one: projection into w, then into w+.

After StyleGAN2's projector (Karras et al., 2020, appendix D) and Image2StyleGAN (Abdal et al.,
2019): Adam on the latent under a perceptual and a pixel loss, with a ramped step and noise on the
latent that fades, so that early steps look around. Here the latent is counted in deviations of
the model's own w (whitened), which makes one step size fit all directions and models, and the
distance from the mean is what keeps the result editable. The noise maps stay as the Recipe has
them, so that the picture is one of the Recipe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from engine.cancel import CancelToken
from engine.editing.generator import Differentiable, schedule
from engine.editing.perceptual import Looks, difference, to_images

Seen = Callable[[int, int, float, Tensor], None]  # step, steps, psnr_db, the picture [1, 3, r, r]


@dataclass(frozen=True)
class InvertSettings:
    """How long and how a search goes.

    w_steps, plus_steps: steps in w, then with a w for each layer. rate: of Adam, in deviations of
    w. perceptual, pixel: weights of the two losses. prior: weight of the squared distance from the
    mean; apart: of the layers from one another. noise: deviation of what is added to the latent at
    first; it fades over the first `fade` of the steps.
    """

    w_steps: int = 100
    plus_steps: int = 250
    rate: float = 0.1
    perceptual: float = 1.0
    pixel: float = 50.0
    prior: float = 2e-4
    apart: float = 2e-4
    noise: float = 0.3
    fade: float = 0.5


@dataclass
class InvertState:
    """Where a search stands, so that it can go on: the step, the latent, and Adam's memory."""

    step: int
    v: Float[Tensor, "num_ws w_dim"]
    adam: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """How a model's w is spread: mean, and the matrix that turns deviations into w."""

    mean: Float[Tensor, " w_dim"]
    colour: Float[Tensor, "w_dim w_dim"]
    whiten: Float[Tensor, "w_dim w_dim"]

    def ws(self, v: Float[Tensor, "*n w_dim"]) -> Float[Tensor, "*n w_dim"]:
        """Deviations to w."""
        return self.mean + v @ self.colour

    def deviations(self, ws: Float[Tensor, "*n w_dim"]) -> Float[Tensor, "*n w_dim"]:
        """w to deviations."""
        return (ws - self.mean) @ self.whiten


def spread(w: Float32[np.ndarray, "n w_dim"]) -> Spread:
    """From random w of a model. Axes that hardly vary are floored, so that none is divided by 0."""
    wide = w.astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(wide.T) + 1e-12 * np.eye(w.shape[1]))
    size = np.sqrt(np.maximum(values, 1e-3 * max(float(values[-1]), 1e-12)))
    parts = (wide.mean(0), (vectors * size).T, vectors / size)
    mean, colour, whiten = (torch.from_numpy(x.astype(np.float32)) for x in parts)
    return Spread(mean, colour, whiten)


def nearest(
    net: Differentiable,
    target: UInt8[np.ndarray, "r r 3"],
    w: Float32[np.ndarray, "n w_dim"],
    cancel: CancelToken,
    side: int = 16,
    batch: int = 16,
) -> Float32[np.ndarray, " w_dim"]:
    """The w whose picture is nearest to the target at a small size: where to begin."""
    small = _small(to_images(target[None]), side)
    best, found = np.inf, w[0]
    with torch.inference_mode():
        for start in range(0, len(w), batch):
            cancel.check()
            part = torch.from_numpy(w[start : start + batch])
            images = net.images(part[:, None].repeat(1, net.num_ws, 1))
            far = (_small(images, side) - small).square().mean((1, 2, 3))
            at = int(far.argmin())
            if float(far[at]) < best:
                best, found = float(far[at]), w[start + at]
    return np.asarray(found, np.float32)


def _small(images: Tensor, side: int) -> Tensor:
    return interpolate(images, (side, side), mode="area")


def begin(w: Float32[np.ndarray, "*n w_dim"], spread: Spread, num_ws: int) -> InvertState:
    """The state of a search that starts at a w, or at one for each layer."""
    ws = torch.from_numpy(np.array(w, np.float32))
    v = spread.deviations(ws if ws.ndim == 2 else ws[None].repeat(num_ws, 1))
    return InvertState(0, v)


def invert(
    net: Differentiable,
    target: UInt8[np.ndarray, "r r 3"],
    state: InvertState,
    spread: Spread,
    looks: Looks,
    settings: InvertSettings,
    cancel: CancelToken,
    seen: Seen,
) -> InvertState:
    """Search on from a state; returns where it ended: finished, or where it was cancelled.

    target: sRGB at the model's resolution. seen: told of every step. A search that is cancelled
    does not raise: its state can go on later, in the same process.
    """
    wanted = to_images(target[None])
    with torch.no_grad():
        looked = looks.features(wanted)
    steps = settings.w_steps + settings.plus_steps
    source = torch.Generator().manual_seed(state.step)
    while state.step < steps and not cancel.cancelled:
        in_w = state.step < settings.w_steps
        v = state.v.mean(0, keepdim=True) if in_w else state.v
        v = v.clone().requires_grad_()
        optimiser = torch.optim.Adam([v], lr=settings.rate, betas=(0.9, 0.99))
        first, end = (0, settings.w_steps) if in_w else (settings.w_steps, steps)
        if state.adam.get("rows") == len(v):
            optimiser.load_state_dict(state.adam["state"])
        while state.step < end and not cancel.cancelled:
            share = schedule(state.step - first, end - first)
            for group in optimiser.param_groups:
                group["lr"] = settings.rate * share
            loss, psnr, image = _loss(net, v, wanted, looked, spread, looks, settings,
                                      _jitter(state.step, steps, settings), source)  # fmt: skip
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            state.step += 1
            seen(state.step, steps, psnr, image)
        state.v = v.detach().expand(net.num_ws, -1).clone()
        state.adam = {"rows": len(v), "state": optimiser.state_dict()}
    return state


def _jitter(step: int, steps: int, settings: InvertSettings) -> float:
    """The deviation of what is added to the latent: fades by a square (appendix D)."""
    return settings.noise * max(0.0, 1.0 - step / max(1.0, steps * settings.fade)) ** 2


def _loss(
    net: Differentiable,
    v: Tensor,
    wanted: Tensor,
    looked: list[Tensor],
    spread: Spread,
    looks: Looks,
    settings: InvertSettings,
    jitter: float,
    source: torch.Generator,
) -> tuple[Tensor, float, Tensor]:
    """The loss of a latent, how near its picture is in dB, and the picture."""
    shaken = v + jitter * torch.randn(v.shape, generator=source) if jitter else v
    ws = spread.ws(shaken).expand(net.num_ws, -1)
    image = net.images(ws[None])
    pixel = (image - wanted).square().mean()
    loss = settings.pixel * pixel + settings.prior * v.square().mean()
    loss = loss + settings.apart * (v - v.mean(0)).square().mean()
    if settings.perceptual:
        loss = loss + settings.perceptual * difference(looks.features(image), looked).sum()
    return loss, psnr_db(float(pixel.detach())), image.detach()


def psnr_db(mean_square: float) -> float:
    """Peak signal to noise of pictures in [-1, 1], in dB; 99 for equal ones."""
    return 99.0 if mean_square <= 0 else min(99.0, 10 * float(np.log10(4.0 / mean_square)))


def result_of(state: InvertState, spread: Spread) -> Float32[np.ndarray, "num_ws w_dim"]:
    """The ws of a state."""
    return np.asarray(spread.ws(state.v).numpy(), np.float32)
