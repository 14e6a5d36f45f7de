"""StyleGAN on Portraits: AdaIN, noise in every layer, and a mapping network taught first."""

from __future__ import annotations

from pathlib import Path

from engine.gan.stylegan1_config import StyleGAN1Config
from engine.training.families.spec import Part, TrainFamily

CONFIG = StyleGAN1Config(
    z_dim=64,
    w_dim=96,
    resolution=32,
    channels={4: 128, 8: 128, 16: 80, 32: 40},
    mapping_layers=4,
)


def spec(work: Path) -> TrainFamily:
    """It grows from 8 px, then features and the rival, then the logistic game with R1."""
    return TrainFamily(
        "portraits-stylegan",
        "Portraits, StyleGAN",
        CONFIG,
        work,
        parts=(
            Part(24_000, 8),
            Part(32_000, 16, fade=8_000),
            Part(60_000, 32, fade=12_000),
            Part(40_000, 32, features=True),
            Part(16_000, 32, features=True, game=0.05),
        ),
        taught_mapping=4_000,
    )
