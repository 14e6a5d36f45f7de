"""BigGAN-deep on Portraits: class embedding, truncation with standing statistics."""

from __future__ import annotations

from pathlib import Path

from engine.gan.biggan_config import BigGANConfig, Block
from engine.portraits.hair_classes import CLASSES
from engine.training.families.spec import Part, TrainFamily

CONFIG = BigGANConfig(
    z_dim=64,
    class_dim=32,
    c_dim=len(CLASSES),
    channel_width=32,
    blocks=(
        Block(False, 16, 16),
        Block(True, 16, 8),
        Block(True, 8, 4),
        Block(True, 4, 1),
    ),
    attention=3,
    n_stats=11,
)


def spec(work: Path) -> TrainFamily:
    """Pixels first, then features and the rival, then the hinge game with projected classes."""
    return TrainFamily(
        "portraits-biggan",
        "Portraits, BigGAN",
        CONFIG,
        work,
        parts=(
            Part(100_000, 32),
            Part(50_000, 32, features=True),
            Part(16_000, 32, features=True, game=0.02),
        ),
        classes=CLASSES,
        rate=0.001,  # z and class reach every layer through matrices that Adam teaches
        matrix_rate=0.003,
        mapping_speed=2.0,
    )
