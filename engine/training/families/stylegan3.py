"""StyleGAN3-T on Portraits: alias-free layers over a plane of sines that can be moved."""

from __future__ import annotations

from pathlib import Path

from engine.gan.stylegan3_config import StyleGAN3Config
from engine.training.families.spec import Part, TrainFamily

CONFIG = StyleGAN3Config(
    z_dim=64,
    w_dim=96,
    resolution=32,
    channels=(64, 64, 40, 24, 24, 16),
    margin_size=4,
)


def spec(work: Path) -> TrainFamily:
    """Pixels first, then features and the rival, then the logistic game with R1."""
    return TrainFamily(
        "portraits-stylegan3",
        "Portraits, StyleGAN3-T",
        CONFIG,
        work,
        parts=(
            Part(90_000, 32),
            Part(40_000, 32, features=True),
            Part(12_000, 32, features=True, game=0.05),
        ),
        taught_mapping=4_000,
    )
