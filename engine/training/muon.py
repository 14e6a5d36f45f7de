"""Muon (Jordan et al., 2024): momentum whose update is the nearest orthogonal matrix.

For weights that multiply: every direction of a matrix is learnt at the same speed, where Adam
follows the few steepest ones. A demodulated convolution does not feel the length of its weights,
only their direction, which suits it well. The orthogonal factor comes from Newton and Schulz's
iteration with the coefficients of the original; the update's root mean square is set to
Adam's usual 0.2 (Liu et al., 2025), so that rates of learning carry over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

MOMENTUM = 0.95
RMS = 0.2
STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalised(matrix: Float[Tensor, "a b"]) -> Float[Tensor, "a b"]:
    """U V^T of the matrix U S V^T, roughly: singular values come out between 0.7 and 1.2."""
    a, b, c = COEFFICIENTS
    x: Tensor = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(STEPS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """For parameters of two or more dimensions; all but the first count as columns."""

    def __init__(self, params: Iterable[Any], lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update with Nesterov's momentum; parameters without a gradient stay."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(weight)
                speed = state["momentum"].mul_(MOMENTUM).add_(weight.grad)
                ahead = (weight.grad + MOMENTUM * speed).flatten(1)
                update = orthogonalised(ahead) * (RMS * math.sqrt(max(ahead.shape)))
                weight.sub_(update.view_as(weight), alpha=group["lr"])
