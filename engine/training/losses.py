"""Losses of the StyleGAN2 game: non-saturating logistic loss with an R1 penalty."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def generator_loss(fake_logits: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Non-saturating loss: -log sigmoid of the logits of made pictures (Goodfellow, 2014)."""
    return F.softplus(-fake_logits).mean()


def discriminator_loss(
    real_logits: Float[Tensor, " n"], fake_logits: Float[Tensor, " n"]
) -> Float[Tensor, ""]:
    """Logistic loss: real pictures toward positive logits, made ones toward negative."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def r1_penalty(
    judge: Callable[[Tensor], Tensor], real: Float[Tensor, "n c h w"]
) -> Float[Tensor, ""]:
    """Mean squared length of the logit's gradient at real pictures (Mescheder et al., 2018)."""
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(judge(real).sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
