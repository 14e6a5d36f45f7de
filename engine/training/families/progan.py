"""ProGAN on Portraits: it grows from 4 to 32 px, each new size fading in."""

from __future__ import annotations

from pathlib import Path

from engine.gan.progan_config import ProGANConfig
from engine.training.families.spec import Part, TrainFamily

CONFIG = ProGANConfig(z_dim=64, resolution=32, channels={4: 160, 8: 128, 16: 80, 32: 40})


def spec(work: Path) -> TrainFamily:
    """Growth by pixels, then features and the rival, then WGAN-GP beside them."""
    return TrainFamily(
        "portraits-progan",
        "Portraits, ProGAN",
        CONFIG,
        work,
        parts=(
            Part(12_000, 4),
            Part(24_000, 8, fade=6_000),
            Part(40_000, 16, fade=10_000),
            Part(60_000, 32, fade=12_000),
            Part(112_000, 32, features=True),
            Part(8_000, 32, features=True, game=0.02),
        ),
    )
