"""What a StyleGAN2 training run is told: one frozen value, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from engine.errors import TrainingError
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.training_spec import Loss, NonSaturating


@dataclass(frozen=True)
class Stage:
    """One picture size of progressive training (Karras et al., 2018).

    images: how many real images are shown at this size; None for "until the end".
    fade: over how many of them the new layers come in.
    """

    resolution: int
    images: int | None
    fade: int = 0


def parse_stages(text: str) -> tuple[Stage, ...]:
    """Read "16:40,32:60:4,64" as sizes, thousands of images, and thousands of them fading in."""
    stages = []
    for index, part in enumerate(text.split(",")):
        try:
            numbers = [float(number) for number in part.split(":")]
            resolution = int(numbers[0])
            images = int(numbers[1] * 1000) if len(numbers) > 1 else None
            fade = int(numbers[2] * 1000) if len(numbers) > 2 else (4000 if index else 0)
        except (ValueError, IndexError) as error:
            raise TrainingError(
                f"A training plan reads like 16:40,32:60:4,64, got {text!r}."
            ) from error
        stages.append(Stage(resolution, images, fade))
    return tuple(stages)


USUAL = NonSaturating()
DEFAULT_PLAN = "16:20,32:28:4,64"
DEFAULT_STAGES = parse_stages(DEFAULT_PLAN)


@dataclass(frozen=True)
class TrainStyleGAN2:
    """One training run of the Portraits generator.

    work: folder of checkpoints, metrics and sample sheets; a run found there goes on.
    loss: of the game; R1 goes with all but WGAN, WGAN-GP and EBGAN.
    cache: folder for the pre-rendered pictures; None for the user's cache folder.
    minutes: stop after so long in this sitting; None runs until the stages end or a stop.
    init: weights of the generator (and, beside it, the discriminator) to start from.
    gamma_scale: R1 weight as a multiple of the heuristic of Karras et al. (2020a),
        0.0002 * resolution^2 / batch.
    guide: folder of an attribute network whose features a second rival judges by; None for none.
    guide_weight: what that rival's loss counts in the generator's.
    taught: so many images are lessons (see `teach`) before the game; 0 for a game from nothing.
    taught_mapping: batches of labels that the mapping network is taught before all pictures.
    taught_matrix_rate: the lessons' rate for weights that multiply, which learn by Muon;
        taught_rate: that of all others, which learn by Adam.
    perceptual: what the lessons' perceptual loss counts; 0 for pixels and edges alone.
    rivalry: what the rival in the lessons counts (see `paired_rival`); 0 for none, and none without
        a perceptual loss. rival_rate: the learning rate of its heads.
    taught_slowdown: the generator's learning rate in a game after lessons, as a share.
    polished: so many images are lessons again after the game, with the noise turned down: drawn
        pictures have no grain, and what the game leaves of it shows as speckles.
    head_start: so many images the rivals learn alone after the lessons.
    ada_target: the overfitting measure r_t that augmentation steers to; 0 switches it off.
    """

    work: Path
    cache: Path | None = None
    resolution: int = 64
    stages: tuple[Stage, ...] = DEFAULT_STAGES
    minutes: float | None = None
    portraits: int = 40_000
    data_seed: int = 0
    seed: int = 0
    device: str = "auto"
    batch: int = 16
    init: Path | None = None
    z_dim: int = 128
    w_dim: int = 128
    mapping_layers: int = 4
    channel_base: int = 2048
    channel_max: int = 128
    learning_rate: float = 0.0025
    gamma_scale: float = 20.0
    gamma_floor: float = 0.1
    r1_every: int = 16
    mixing: float = 0.5
    ema_images: int = 5000
    ema_rampup: float = 0.05
    ada_target: float = 0.9
    ada_images: int = 500_000
    guide: Path | None = None
    guide_weight: float = 1.0
    guide_rate: float = 0.001
    taught: int = 0
    taught_mapping: int = 8000
    taught_batch: int = 16
    taught_rate: float = 0.003
    taught_matrix_rate: float = 0.012
    perceptual: float = 0.0
    rivalry: float = 0.0
    rival_rate: float = 0.001
    taught_slowdown: float = 0.4
    polished: int = 0
    head_start: int = 3000
    checkpoint_s: float = 180.0
    sheet_s: float = 240.0
    tick_s: float = 20.0
    loss: Loss = USUAL

    def __post_init__(self) -> None:
        sizes = [stage.resolution for stage in self.stages]
        doubling = all(b == 2 * a for a, b in pairwise(sizes))
        if not sizes or sizes[-1] != self.resolution or not doubling or sizes[0] < 8:
            raise TrainingError(
                f"The stages must double from 8 or more up to {self.resolution}, got {sizes}.",
                "Give them like 16:40,32:60,64.",
            )
        if self.batch < 4 or self.batch % 4:
            raise TrainingError(f"The batch must be a multiple of 4, got {self.batch}.")

    def config(self) -> StyleGAN2Config:
        """The generator that this run trains."""
        return StyleGAN2Config(
            z_dim=self.z_dim,
            w_dim=self.w_dim,
            resolution=self.resolution,
            channels=self._plan(),
            mapping_layers=self.mapping_layers,
        )

    def discriminator_channels(self) -> dict[int, int]:
        """As the generator's, but half at the top: there a CPU pays most and learns least."""
        plan = self._plan()
        plan[self.resolution] = max(8, plan[self.resolution] // 2)
        return plan

    def gamma(self, resolution: int) -> float:
        """The R1 weight at one picture size."""
        heuristic = 0.0002 * resolution * resolution / self.batch
        return max(self.gamma_floor, self.gamma_scale * heuristic)

    def stage_at(self, images: int) -> tuple[Stage, float] | None:
        """The stage after `images` images and the gain of its newest layers; None at the end."""
        start = self.taught
        for stage in self.stages:
            if stage.images is None or images < start + stage.images:
                gain = 1.0 if stage.fade <= 0 else min(1.0, (images - start) / stage.fade)
                return stage, gain
            start += stage.images
        return None

    def total_images(self) -> int | None:
        """How many images the stages hold in all; None when the last one is open."""
        counts = [stage.images for stage in self.stages]
        known = [count for count in counts if count is not None]
        if len(known) < len(counts):
            return None
        return self.taught + sum(known) + (self.polished if self.taught else 0)

    def _plan(self) -> dict[int, int]:
        sizes = [1 << k for k in range(2, self.resolution.bit_length())]
        return {size: min(self.channel_max, self.channel_base // size) for size in sizes}
