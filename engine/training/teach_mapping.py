"""The first lesson: the mapping network learns what z stands for, without a picture.

Half of what a portrait shows is a choice (glasses or none, one of five hair styles), which in z is
a threshold. A mapping network that learns through pictures alone finds those steps last, and until
then every face wears half a pair of glasses. Asked straight for the label table, by a linear read-
out of w that is thrown away afterwards, it finds them in minutes: no picture is drawn or made, so
a batch is cheap and never repeats. It leaves a w in which attributes lie along straight lines.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import ndtr
from torch import Tensor, nn

from engine.gan.style_generator import StyleMapping
from engine.portraits.attributes import NUMBERS, table_of
from engine.training.label_columns import columns_of

BATCH = 1024
RATE = 0.003
CALM = 0.03  # keeps w near unit size, which the styles expect; else a few axes run away
OWN_SPEED = 100.0  # undoes the hundredfold slowness that the game wants of the mapping


def told(z: Float[Tensor, "n z_dim"], turn: Float[Tensor, "z_dim z_dim"]) -> Float[Tensor, "n t"]:
    """The label table behind z, each entry with a spread of about 1: choices as one of many.

    The length of z means nothing, as to the mapping network, which normalises it.
    """
    z = z / z.square().mean(dim=1, keepdim=True).sqrt()
    scores = (z @ turn.t())[:, :NUMBERS].double().numpy()
    return columns_of(table_of(np.clip(ndtr(scores), 1e-6, 1.0 - 1e-6)))


def teach_mapping(
    mapping: StyleMapping,
    labels: Callable[[Tensor], Tensor],
    steps: int,
    *,
    seed: int,
    on_step: Callable[[int, float], None],
) -> None:
    """Train `mapping` in place for `steps` batches of new z.

    labels: z [n, z_dim] to what it should be told, [n, t].
    on_step: called after each step with its number and the mean squared error of the read-out.
    """
    own = torch.Generator().manual_seed(seed)
    device = mapping.w_avg.device
    z_dim = mapping.config.z_dim
    width = labels(torch.ones(1, z_dim)).shape[1]
    readout = nn.Linear(mapping.config.w_dim, width).to(device)
    optimiser = torch.optim.Adam(
        [
            {"params": list(mapping.parameters()), "speed": OWN_SPEED},
            {"params": list(readout.parameters()), "speed": 1.0},
        ],
        betas=(0.9, 0.99),
        fused=True,
    )
    for step in range(steps):
        left = 1.0 - step / steps
        for group in optimiser.param_groups:
            group["lr"] = RATE * group["speed"] * min(1.0, 2.0 * left)
        z = torch.randn(BATCH, z_dim, generator=own)
        w = mapping.w(z.to(device))
        mapping.track(w)
        loss = (readout(w) - labels(z).to(device)).square().mean()
        optimiser.zero_grad(set_to_none=True)
        (loss + CALM * (w.square().mean() - 1.0).relu()).backward()
        optimiser.step()
        on_step(step + 1, float(loss.detach()))
