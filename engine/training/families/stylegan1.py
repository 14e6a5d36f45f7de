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
            Part(12_000, 8),
            Part(20_000, 16, fade=6_000),
            Part(64_000, 32, fade=10_000),
            Part(92_000, 32, features=True),
            Part(4_000, 32, features=True, game=0.05),
        ),
        rate=0.008,
        mapping_speed=2.0,
        taught_mapping=2_000,
    )
