"""DCGAN on Portraits: transposed convolutions with batch norm, and no class or style."""

from __future__ import annotations

from pathlib import Path

from engine.gan.dcgan_config import DCGANConfig
from engine.training.families.spec import Part, TrainFamily

CONFIG = DCGANConfig(z_dim=64, channels=(384, 192, 96, 48))


def spec(work: Path) -> TrainFamily:
    """Pixels first, then features and the rival, then the logistic game with R1."""
    return TrainFamily(
        "portraits-dcgan",
        "Portraits, DCGAN",
        CONFIG,
        work,
        parts=(
            Part(156_000, 64),
            Part(160_000, 64, features=True),
            Part(4_000, 64, features=True, game=0.05),
        ),
        rate=0.003,
        matrix_rate=0.012,
    )
