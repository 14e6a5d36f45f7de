"""The options of a training run of one small generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import TrainingError
from engine.models.family import Config
from engine.training.families.codes import Codes


@dataclass(frozen=True)
class Part:
    """One part of the lessons.

    images: how many. resolution: of the pictures, for a generator that grows. fade: over so many
    images the newest layers come in. features: whether the pictures are also compared through a
    network's features and judged by the rival, or pixel by pixel alone. game: what the
    discriminator counts beside them, 0 for none; at the full resolution only.
    """

    images: int
    resolution: int
    fade: int = 0
    features: bool = False
    game: float = 0.0


@dataclass(frozen=True)
class TrainFamily:
    """One run.

    name: of the model. config: of the generator that is trained. work: checkpoints, metrics and
    sheets; a run found there goes on. parts: one after the other.
    matrix_rate: for weights that multiply, which learn by Muon; rate: for all others, by Adam.
    mapping_speed: how much faster the mapping network learns, whose weights count a hundredth.
    taught_mapping: batches of labels that the mapping network is taught before all pictures.
    by_direction: whether only the direction of z tells what to draw, see `Codes`.
    perceptual, rivalry: what the feature distance and the rival count beside pixels.
    rival_rate, critic_rate: learning rates of the rival and of the discriminator.
    Raises TrainingError.
    """

    name: str
    title: str
    config: Config
    work: Path
    parts: tuple[Part, ...]
    classes: tuple[str, ...] = ()
    cache: Path | None = None
    minutes: float | None = None
    portraits: int = 60_000
    data_seed: int = 5
    seed: int = 0
    device: str = "auto"
    batch: int = 16
    rate: float = 0.003
    matrix_rate: float = 0.012
    mapping_speed: float = 5.0
    taught_mapping: int = 0
    by_direction: bool = True
    perceptual: float = 0.15
    rivalry: float = 0.05
    rival_rate: float = 0.001
    critic_rate: float = 0.001
    ema_images: int = 4000
    checkpoint_s: float = 300.0
    sheet_s: float = 600.0
    tick_s: float = 20.0

    def __post_init__(self) -> None:
        if not self.parts or self.parts[-1].resolution != self.config.resolution:
            raise TrainingError(
                f"The lessons of {self.name} must end at {self.config.resolution} px.",
                "Give a last part of that resolution.",
            )

    def codes(self) -> Codes:
        """What each z of this run stands for."""
        config = self.config
        return Codes(config.z_dim, config.c_dim, self.seed, by_direction=self.by_direction)

    def by_pixels(self) -> TrainFamily:
        """The same plan without the network that compares features, where it is not installed."""
        parts = tuple(replace(part, features=False) for part in self.parts)
        return replace(self, parts=parts)

    @property
    def total(self) -> int:
        """How many images the whole plan holds."""
        return sum(part.images for part in self.parts)

    def part_at(self, images: int) -> tuple[Part, float] | None:
        """The part after so many images, and how far its newest layers are in; None at the end."""
        start = 0
        for part in self.parts:
            if images < start + part.images:
                gain = 1.0 if part.fade <= 0 else min(1.0, (images - start) / part.fade)
                return part, gain
            start += part.images
        return None
