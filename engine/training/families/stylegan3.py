"""StyleGAN3-T on Portraits: alias-free layers over a plane of sines that can be moved."""

from __future__ import annotations

from pathlib import Path

from engine.gan.stylegan3_config import StyleGAN3Config
from engine.training.families.spec import Part, TrainFamily

CONFIG = StyleGAN3Config(
    z_dim=64,
    w_dim=96,
    resolution=32,
    channels=(128, 96, 80, 64, 48, 32),
    first_cutoff=3.0,
    first_stopband=5.5,
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
            Part(60_000, 32),
            Part(190_000, 32, features=True),
            Part(4_000, 32, features=True, game=0.05),
        ),
        rate=0.008,
        mapping_speed=2.0,
        taught_mapping=2_000,
    )
