"""How a generator of any family is asked for pictures in training, and what it keeps count of.

A moving average of weights needs statistics of its own: `settle` measures them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from engine.gan.biggan import Generator as BigGAN
from engine.gan.biggan_blocks import StandingNorm
from engine.gan.style_generator import StyleMapping
from engine.gan.stylegan3 import StyleLayer
from engine.models.family import Config
from engine.training.ema import settle_w_avg

MAGNITUDE_KEEP = 0.99
SETTLING = 4  # batches for each set of statistics
SETTLING_BATCH = 128


def paint(
    generator: nn.Module,
    z: Float[Tensor, "n z_dim"],
    c: Int64[Tensor, " n"],
    resolution: int | None = None,
    gain: float = 1.0,
) -> Float[Tensor, "n 3 r r"]:
    """Pictures in [-1, 1] with new noise; the statistics that training tracks move along.

    resolution, gain: for families that grow, see `StyleGenerator`; else not looked at.
    """
    config, synthesis, mapping = parts_of(generator)
    classes = F.one_hot(c, config.c_dim).to(z.dtype) if config.c_dim else None
    w = mapping.w(z, classes)
    if generator.training and isinstance(mapping, StyleMapping):
        mapping.track(w)
    grows = hasattr(config, "resolutions")
    how = {"resolution": resolution, "top_gain": gain} if grows else {}
    layers = synthesis.noise_layers(resolution) if grows else []
    noises = [layer.noise("random", len(z)) for layer in layers]
    image: Tensor = synthesis.with_noises(w[:, None].expand(-1, config.num_ws, -1), noises, **how)
    return image


def parts_of(generator: Any) -> tuple[Config, Any, Any]:
    """Config, synthesis and mapping."""
    return generator.config, generator.synthesis, generator.mapping


def watch(generator: nn.Module) -> None:
    """Let StyleGAN3's layers track the mean square of what comes in, in training mode
    (Karras et al., 2021, section 3.1)."""

    def track(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if layer.training:
            assert isinstance(layer, StyleLayer)
            with torch.no_grad():
                power = inputs[0].detach().float().square().mean()
                layer.magnitude_ema.lerp_(power, 1.0 - MAGNITUDE_KEEP)

    for layer in generator.modules():
        if isinstance(layer, StyleLayer):
            layer.use_lines()
            layer.register_forward_pre_hook(track)


@torch.no_grad()
def settle(generator: nn.Module, seed: int = 0) -> None:
    """Measure w_avg and batch statistics of these very weights; the generator ends in evaluation
    mode. Draws from a generator of its own."""
    own = torch.Generator().manual_seed(seed)
    config, _, mapping = parts_of(generator)
    device = next(generator.parameters()).device

    def batch(truncation: float = 1.0) -> tuple[Tensor, Tensor]:
        z = torch.randn(SETTLING_BATCH, config.z_dim, generator=own)
        c = torch.randint(0, max(1, config.c_dim), (SETTLING_BATCH,), generator=own)
        return (z * truncation).to(device), c.to(device)

    if isinstance(generator, BigGAN):
        _standing_statistics(generator, batch)
    norms = [layer for layer in generator.modules() if isinstance(layer, nn.BatchNorm2d)]
    if norms:
        generator.train()
        kept = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over all batches
        for _ in range(SETTLING):
            paint(generator, *batch())
        for norm, momentum in zip(norms, kept, strict=True):
            norm.momentum = momentum
    generator.eval()
    if isinstance(mapping, StyleMapping):
        settle_w_avg(mapping)


def _standing_statistics(
    generator: BigGAN, batch: Callable[[float], tuple[Tensor, Tensor]]
) -> None:
    """Batch statistics for every truncation (Brock et al., 2019, section 3.1 and appendix)."""
    norms = [layer for layer in generator.modules() if isinstance(layer, StandingNorm)]
    rows = generator.config.n_stats
    generator.train()
    for row in range(rows):
        truncation = row / max(1, rows - 1)
        for norm in norms:
            norm.running_means[row].zero_()
            norm.running_vars[row].zero_()
        for _ in range(SETTLING):
            paint(generator, *batch(truncation))
            for norm in norms:
                mean, variance = norm.seen
                norm.running_means[row] += mean / SETTLING
                norm.running_vars[row] += (variance + mean.square()) / SETTLING
        for norm in norms:
            norm.running_vars[row] -= norm.running_means[row].square()
