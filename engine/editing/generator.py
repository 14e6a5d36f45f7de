"""A generator as a function with gradients: what every search needs of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.backends.fast_format import casting, fast_format
from engine.errors import ModelError
from engine.models.opened import Model
from engine.recipe import Noise


@dataclass(frozen=True)
class Differentiable:
    """A torch synthesis network with its noise fixed. Weights take no gradients.

    device: where the network is. Latents and pictures are wherever the caller has them.
    """

    module: Any
    noises: tuple[Tensor, ...]
    transform: Tensor | None
    num_ws: int
    w_dim: int
    device: str = "cpu"

    def casting(self) -> torch.autocast:
        """A context in which pictures are made, and looked at, in the device's fast format: their
        error is 50 dB below, and a search whose aim is a meaning needs no better."""
        device = torch.device(self.device)
        return casting(device, fast_format(device))

    def images(self, ws: Float[Tensor, "n num_ws w_dim"]) -> Float[Tensor, "n 3 r r"]:
        """Pictures of ws, nominally in [-1, 1]; a grey one on three channels."""
        moved = {} if self.transform is None else {"transform": self.transform}
        there = ws.to(self.device)
        made: Tensor = self.module.synthesis.with_noises(there, list(self.noises), **moved)
        made = made.float().to(ws.device)
        return made.expand(-1, 3, -1, -1) if made.shape[1] == 1 else made


def differentiable(model: Model, noise: Noise) -> Differentiable:
    """A model opened on torch, with the noise of a Recipe. Raises ModelError on another backend."""
    from engine.backends.torch_backend import TorchBackend

    if not isinstance(model.backend, TorchBackend):
        raise ModelError("A search needs the torch backend, got onnx.", "Choose torch.")
    w = np.broadcast_to(model.w_avg, (1, model.num_ws, model.w_dim))
    _, noises, transform, _ = model.inputs(w, noise)
    device = model.backend.device
    return Differentiable(
        model.backend.generator,
        tuple(torch.from_numpy(np.array(part)).to(device) for part in noises),
        None if transform is None else torch.from_numpy(np.array(transform)).to(device),
        model.num_ws,
        model.w_dim,
        device,
    )


def schedule(step: int, steps: int, warm: float = 0.05, cool: float = 0.25) -> float:
    """The share of the learning rate at a step: up at first, down by a cosine at the end.

    As in StyleGAN2's projector (Karras et al., 2020, appendix D).
    """
    t = step / max(1, steps)
    down = 0.5 - 0.5 * np.cos(np.pi * min(1.0, (1.0 - t) / cool))
    return float(min(1.0, t / warm if warm else 1.0) * down) if step else 1.0 / max(1, steps)
