"""DCGAN on Portraits: transposed convolutions with batch norm, and no class or style."""

from __future__ import annotations

from pathlib import Path

from engine.gan.dcgan_config import DCGANConfig
from engine.training.families.spec import Part, TrainFamily

CONFIG = DCGANConfig(z_dim=64, channels=(320, 192, 96, 64), extra=(2, 1, 1, 0))


def spec(work: Path) -> TrainFamily:
    """Pixels first, then features and the rival. It does not normalise z, so that what a z stands
    for is read off the numbers as they are."""
    return TrainFamily(
        "portraits-dcgan",
        "Portraits, DCGAN",
        CONFIG,
        work,
        parts=(Part(84_000, 64), Part(88_000, 64, features=True)),
        by_direction=False,
    )
