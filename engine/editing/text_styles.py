"""Global directions: which style channels a text moves (Patashnik et al., 2021, section 6).

A channel is relevant to a text as far as moving it moves pictures along the text's change in CLIP's
space. The paper moves each channel up and down in many pictures; here the same is had from the
derivatives of the principal axes of CLIP's space, a backward pass each for all channels at once.
They are measured once for a generator and a CLIP; a text then costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from engine.cancel import CancelToken
from engine.directions.text_styles import TextStyles
from engine.editing.text_change import Aim, Ground
from engine.frame import OnProgress, Progress
from engine.models.opened import Model
from engine.perception.clip.model import Clip
from engine.recipe import Noise

BATCH = 8
FAINT = 1e-3  # of the strongest channel's change: what is weaker counts as less than a direction


@dataclass(frozen=True)
class Relevance:
    """For each axis and channel: how pictures move along it when the channel goes up by one of its
    deviations. step: the mean; turn: the mean of the unit changes, so that what a channel does
    each time otherwise counts little. deviation: of each channel in random pictures."""

    step: Float32[np.ndarray, "axes style_dim"]
    turn: Float32[np.ndarray, "axes style_dim"]
    deviation: Float32[np.ndarray, " style_dim"]


def measure_relevance(
    model: Model,
    clip: Clip,
    ground: Ground,
    ws: Float32[np.ndarray, "n num_ws w_dim"],
    progress: OnProgress,
    cancel: CancelToken,
) -> Relevance:
    """Of every channel, in the pictures of ws. Raises ModelError where there are no styles."""
    styles = model.styles(ws)
    deviation = np.maximum(styles.std(0), 1e-8)
    scale = torch.from_numpy(deviation)
    count = len(ground.axes)
    step = torch.zeros(count, styles.shape[1], dtype=torch.float64)
    turn = torch.zeros_like(step)
    for start in range(0, len(ws), BATCH):
        part = torch.from_numpy(styles[start : start + BATCH]).requires_grad_()
        shares = clip.embed_images(_images(model, part)) @ ground.axes.T
        rows = []
        for axis in range(count):
            cancel.check()
            last = axis == count - 1
            (slope,) = torch.autograd.grad(shares[:, axis].sum(), part, retain_graph=not last)
            rows.append(slope * scale)
        change = torch.stack(rows).double()  # [axes n style_dim]
        size = change.norm(dim=0)
        step += change.sum(1)
        turn += (change / size.clamp(min=FAINT * float(size.max()))).sum(1)
        done = min(len(ws), start + BATCH) / len(ws)
        progress(Progress("Measuring what each style channel does", done))
    mean, unit = (np.asarray((total / len(ws)).numpy(), np.float32) for total in (step, turn))
    return Relevance(mean, unit, np.asarray(deviation, np.float32))


def _images(model: Model, styles: Float[Tensor, "n style_dim"]) -> Float[Tensor, "n 3 r r"]:
    """Pictures of styles, with gradients."""
    from engine.editing.generator import differentiable

    net = differentiable(model, Noise())
    ws = np.broadcast_to(model.w_avg, (len(styles), model.num_ws, model.w_dim))
    backend = model.backend
    with backend.style_tap.writing(styles.to(net.device)):  # type: ignore[attr-defined]
        return net.images(torch.from_numpy(np.array(ws, np.float32)))


def text_styles(relevance: Relevance, aim: Aim) -> TextStyles:
    """What a text asks of the channels."""
    parts = aim.parts.numpy().astype(np.float64)
    gain = parts @ relevance.step / max(aim.deviation, 1e-8)
    return TextStyles(
        np.asarray(parts @ relevance.turn, np.float32),
        np.asarray(gain, np.float32),
        relevance.deviation,
    )
