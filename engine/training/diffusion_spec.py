"""The options of a training run of a diffusion model, and what it learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from engine.diffusion.schedule import Prediction, Schedule
from engine.diffusion.unet_config import UNetConfig
from engine.errors import TrainingError
from engine.models.bundled import bundled_folder
from engine.perception.noisy_classifier import NoisyClassifierConfig
from engine.perception.noisy_clip import NoisyClipConfig

# The cosine schedule that ends where sigma / alpha is 90; see Schedule.
SCHEDULE = Schedule("cosine", most_beta=0.1)
# Where the noise of lessons lies. Karras et al. (2022), table 1, for pictures. Codes are settled in
# stronger noise (Karras et al., 2024), and what holds for many places, as the colour behind a face,
# in the strongest: it shows through any weaker.
PIXEL_LEVELS, CODE_LEVELS = (-1.2, 1.2), (0.8, 1.7)
RESIDUAL_LEVELS = 3.0, 2.0  # of what an upsampler adds: most of its picture is known
Lesson = Literal["", "masked", "instruction", "like", "edges", "pose"]


@dataclass(frozen=True)
class TrainDiffusion:
    """One run.

    work: checkpoints, metrics and sheets; a run found there goes on. cache: drawn pictures; None
    for the user's cache. images: the learning rate has come down to nothing after so many.
    minutes: stop after so long in this sitting. crop: side of the crops that an upsampler learns
    from, in px. dropout: how often the class is withheld, so that the network also learns what
    faces are like in general. gamma: of min-SNR; None where all timesteps count the same. levels:
    mean and standard deviation of ln(sigma / alpha), where timesteps are drawn as Karras et al.
    (2022) draw noise; None where each is as likely as any. perceptual: what it counts how unlike a
    predicted picture looks (Lin and Yang, 2023), from the share `featured` of the images on; 0 for
    nothing: it makes pictures of few steps sharp, and those of many too sharp. rivalry: what a
    rival beside counts, see onlooker.py. reader: trains that instead of the U-Net; teacher: folder
    of the CLIP that teaches it to look, or that reads for a U-Net which learns from captions, or of
    the model whose pictures an upsampler learns to enlarge. autoencoder: folder of the one whose
    codes the U-Net makes. lesson: what else a model of codes and texts is shown, see
    `engine.training.finetuning`. reading: steps of a lesson for its text tower that goes before,
    see reading_lesson.py. start: folder of the model whose U-Net it begins with. Raises
    TrainingError.
    """

    name: str
    work: Path
    unet: UNetConfig
    cache: Path | None = None
    schedule: Schedule = SCHEDULE
    prediction: Prediction = "v"
    images: int = 300_000
    minutes: float | None = None
    portraits: int = 40_000
    drawn_px: int = 64
    data_seed: int = 0
    seed: int = 0
    device: str = "auto"
    batch: int = 16
    learning_rate: float = 1e-3
    warm_up: int = 6_000
    dropout: float = 0.15
    gamma: float | None = 5.0
    levels: tuple[float, float] | None = None
    perceptual: float = 0.0
    rivalry: float = 0.0
    featured: float = 0.3
    ema_images: int = 12_000
    crop: int | None = None
    reader: NoisyClassifierConfig | NoisyClipConfig | None = None
    teacher: Path | None = None
    autoencoder: Path | None = None
    lesson: Lesson = ""
    reading: int = 0
    start: Path | None = None
    checkpoint_s: float = 120.0
    sheet_s: float = 600.0
    tick_s: float = 20.0

    def __post_init__(self) -> None:
        if self.batch < 1 or self.images < self.batch:
            raise TrainingError(
                f"A run needs a batch of at least 1 and as many images, got {self.batch} and "
                f"{self.images}.",
                "Give larger numbers.",
            )

    @property
    def size_px(self) -> int:
        """The side of the pictures that the network sees."""
        return self.unet.resolution if self.reader is None else self.reader.size


def base_spec(work: Path) -> TrainDiffusion:
    """The class-conditional model at 32 px."""
    from engine.portraits.classes import CLASSES

    unet = UNetConfig(channels=(64, 64, 96), classes=len(CLASSES))
    return TrainDiffusion(
        "portraits-ddpm",
        work,
        unet,
        images=200_000,
        gamma=None,
        levels=PIXEL_LEVELS,
    )


def text_spec(work: Path) -> TrainDiffusion:
    """The model at 32 px that reads texts."""
    unet = UNetConfig(channels=(64, 64, 80), tokens=64, text_width=96, whole=True)
    return TrainDiffusion(
        "portraits-text", work, unet, images=160_000, teacher=bundled_folder() / "portraits-clip",
        gamma=None, levels=PIXEL_LEVELS,
    )  # fmt: skip


def latent_spec(work: Path) -> TrainDiffusion:
    """The model of codes that reads texts; its pictures have 64 px."""
    unet = UNetConfig(16, 1, (64, 80, 96), tokens=64, text_width=96, inside=4, whole=True)
    return TrainDiffusion(
        "portraits-latent", work, unet, images=265_000, teacher=bundled_folder() / "portraits-clip",
        autoencoder=bundled_folder() / "portraits-autoencoder", gamma=None, levels=CODE_LEVELS,
        reading=3_000,
    )  # fmt: skip


def upsampler_spec(work: Path) -> TrainDiffusion:
    """Super-resolution from 32 to 64 px, learnt from crops, for one step or few. It predicts what
    is left out, which is nothing where a picture is flat. Its noise is the strongest in most
    lessons, as it is where it is used. A mean square of unit variance drowned how a picture looks
    before that counted ten times as much. Most of what it learns to enlarge is as the bundled base
    paints it, see repainted.py."""
    unet = UNetConfig(resolution=64, channels=(48, 80, 112), upsamples=True)
    return TrainDiffusion(
        "portraits-upsampler", work, unet, images=270_000, crop=48, prediction="x0", gamma=None,
        levels=RESIDUAL_LEVELS, perceptual=4.0, rivalry=1.0,
        teacher=bundled_folder() / "portraits-ddpm",
    )  # fmt: skip


def classifier_spec(work: Path) -> TrainDiffusion:
    """The noise-aware classifier at 32 px."""
    from engine.portraits.classes import ATTRIBUTES

    config = NoisyClassifierConfig(bits=len(ATTRIBUTES))
    return TrainDiffusion(
        "portraits-noisy-classifier", work, UNetConfig(), images=150_000, batch=32,
        learning_rate=2e-3, reader=config,
    )  # fmt: skip


def clip_spec(work: Path) -> TrainDiffusion:
    """The noise-aware picture tower of the bundled CLIP at 32 px."""
    return TrainDiffusion(
        "portraits-noisy-clip", work, UNetConfig(), images=300_000, batch=64,
        learning_rate=2e-3, reader=NoisyClipConfig(), teacher=bundled_folder() / "portraits-clip",
    )  # fmt: skip


def further(spec: TrainDiffusion, start: Path) -> TrainDiffusion:
    """Further lessons for a model that was taught by that plan: a quarter as many, at half the
    rate, and where pictures are looked at, all of them are. Its text tower reads already."""
    return replace(
        spec, start=start, images=max(spec.images // 4, spec.batch),
        learning_rate=spec.learning_rate / 2, warm_up=2_000, featured=0.0, reading=0,
    )  # fmt: skip


SPECS = {
    "portraits-ddpm": base_spec,
    "portraits-text": text_spec,
    "portraits-latent": latent_spec,
    "portraits-upsampler": upsampler_spec,
    "portraits-noisy-classifier": classifier_spec,
    "portraits-noisy-clip": clip_spec,
}
