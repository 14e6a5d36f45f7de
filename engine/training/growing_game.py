"""A ProGAN (Karras et al., 2018) trained with any loss but EBGAN's, from 4 px up."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.equalised import upsample_nearest
from engine.gan.progan import Generator
from engine.gan.progan_config import ProGANConfig
from engine.training import growth
from engine.training.growing_judge import GrowingJudge
from engine.training.picture_game import PictureGame, Whole, picture_size
from engine.training_spec import Adversarial, TrainingSpec

WIDEST = 4  # maps of the small sizes, in those of the full one


def config_of(spec: TrainingSpec) -> ProGANConfig:
    """The generator of a spec: its width at the full size, twice as wide at every halving."""
    full_px = picture_size(spec)
    assert isinstance(spec.method, Adversarial)
    return ProGANConfig(
        spec.method.z_dim, full_px, channels_of(spec.method.generator.width, full_px)
    )


def channels_of(width: int, full_px: int) -> dict[int, int]:
    """Feature maps at each size."""
    sizes = growth.sizes_up_to(full_px)
    return {size: width * min(full_px // size, WIDEST) for size in sizes}


class GrowingGame(PictureGame):
    """What is shown to the discriminator grows; the rest is as in any game on pictures."""

    config: ProGANConfig

    @property
    def stage(self) -> growth.Stage:
        """What the next step is about."""
        return growth.stage_at(self.steps, self.spec.steps, self.size_px)

    @property
    def words(self) -> str:
        """Such as "16 px, fading in, 40 %"."""
        return self.stage.words

    @property
    def marks(self) -> tuple[tuple[float, str], ...]:
        """Where, counted in images, each size begins."""
        starts = growth.beginnings(self.spec.steps, self.size_px)
        return tuple((step * self.spec.batch, f"{size} px") for step, size in starts)

    def work(self, step: int) -> float:
        """What so many steps cost, in steps at the full size."""
        return growth.work_at(step, self.spec.steps, self.size_px)

    def networks(self) -> tuple[ProGANConfig, nn.Module, nn.Module]:
        """Both players, with the layers of all sizes; those to come are not used yet."""
        config = config_of(self.spec)
        width = self.method.discriminator.width
        return config, Generator(config), GrowingJudge(channels_of(width, self.size_px))

    def made(self, generator: nn.Module, z: Float[Tensor, "n z"]) -> Float[Tensor, "n 3 r r"]:
        """Pictures of the stage."""
        images: Tensor = generator(z, self.stage.size_px, self.stage.top_gain)
        return images

    def judged(self, images: Float[Tensor, "n 3 r r"]) -> Float[Tensor, " n"]:
        """The discriminator's answers to pictures of the stage."""
        answers: Tensor = self.judge(images, self.stage.top_gain)
        return answers

    def real(self, images: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 r r"]:
        """Pictures averaged down to the stage, and faded in as the made ones are."""
        return lowered(images, self.stage)

    def shown(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n 3 s s"]:
        """What the average makes, its pixels repeated up to the full size."""
        images = super().shown(z)
        return F.interpolate(images, scale_factor=self.size_px // images.shape[2], mode="nearest")

    def whole(self) -> Whole:
        """The average as a generator of the largest size that has faded in."""
        full = self.config
        size = self.stage.whole_px
        channels = {at: width for at, width in full.channels.items() if at <= size}
        config = ProGANConfig(full.z_dim, size, channels, full.img_channels)
        generator = Generator(config)
        known = generator.state_dict()
        generator.load_state_dict(
            {key: value for key, value in self.average.state_dict().items() if key in known}
        )
        return Whole(config, generator.eval().requires_grad_(False))


def lowered(images: Float[Tensor, "n 3 s s"], stage: growth.Stage) -> Float[Tensor, "n 3 r r"]:
    """Pictures averaged down to the size of a stage; while it fades in they are blended with the
    size below, whose pixels are repeated (section 3 and appendix A of Karras et al., 2018)."""
    if images.shape[2] > stage.size_px:
        images = F.avg_pool2d(images, images.shape[2] // stage.size_px)
    if stage.top_gain < 1.0:
        images = torch.lerp(upsample_nearest(F.avg_pool2d(images, 2)), images, stage.top_gain)
    return images
