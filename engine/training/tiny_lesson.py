"""Teaches the tiny decoder of a latent model: the pictures that codes were made of, in a minute."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from engine.cancel import CancelToken
from engine.models.diffusion.tiny_decoder import TinyDecoder
from engine.training.noised_run import OnProgress
from engine.training.short_lesson import short_lesson

STEPS, BATCH, RATE = 3_000, 16, 4e-3
UNSURE = 0.1  # deviation of noise on the codes: predicted ones are not yet right


def teach_tiny(
    codes: Float[Tensor, "n c s s"],
    pictures: np.ndarray,
    seed: int,
    progress: OnProgress,
    cancel: CancelToken,
    steps: int = STEPS,
) -> TinyDecoder:
    """pictures: uint8 [n, 3, r, r], those that were encoded. Raises Cancelled."""
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        net = TinyDecoder(codes.shape[1], pictures.shape[-1] // codes.shape[-1])
    optimiser = torch.optim.Adam(net.parameters(), RATE)
    for _ in short_lesson("previews", steps, optimiser, RATE, progress, cancel):
        index = torch.randint(0, len(codes), (BATCH,), generator=rng)
        wanted = torch.from_numpy(pictures[index.numpy()]).float() / 127.5 - 1
        given = codes[index].float()
        given = given + UNSURE * torch.randn(given.shape, generator=rng)
        loss = F.mse_loss(net(given), wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return net.eval().requires_grad_(False)
