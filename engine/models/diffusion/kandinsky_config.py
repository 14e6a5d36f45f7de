"""What a card says of a Kandinsky 2.2, an unCLIP in codes (Razzhigaev et al., 2023). No torch here.

It is five networks in one file of weights: a text encoder ("text."), the eyes of the same CLIP
("eyes."), a prior ("prior."), a U-Net for codes that is told of a picture alone ("unet."), and the
autoencoder ("movq."). The settings of the last three are those of diffusers' classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Schedule
from engine.models.diffusion.part_settings import Settings, agree, halvings, reading, refuse
from engine.models.diffusion.prior_config import PriorConfig
from engine.perception.clip.config import VisionSizes, read_config

KANDINSKY = "kandinsky-diffusion"
TEXT, EYES, PRIOR, UNET, MOVQ = "text.", "eyes.", "prior.", "unet.", "movq."


@dataclass(frozen=True, kw_only=True)
class KandinskyConfig(PriorConfig):
    """eyes: sizes of the CLIP's picture tower. unet, movq: settings. drawing: the noise of the
    U-Net."""

    eyes: VisionSizes
    unet: Settings
    movq: Settings
    drawing: Schedule
    SETTINGS = ("prior", "unet", "movq")
    SCHEDULES = ("thinking", "drawing")

    @property
    def channels(self) -> int:
        """Numbers at each place of a code."""
        return int(self.unet.get("in_channels", 4))

    @property
    def side(self) -> int:
        """Of the codes."""
        return int(self.unet["sample_size"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**super().to_dict(), "eyes": asdict(self.eyes)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> KandinskyConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        with reading(where):
            towers = {"text_config": plain["text"], "vision_config": plain["eyes"]}
            clip = read_config(towers, where)
            config = cls(text=clip.text, eyes=clip.vision, **cls.told(plain, where))
            unet = config.unet
            how = (unet.get("encoder_hid_dim_type"), unet.get("addition_embed_type"))
            pairs = {
                "what its U-Net is told": (unet.get("encoder_hid_dim"), config.width),
                "how its U-Net is told": (how, ("image_proj", "image")),
                "its codes": (config.movq.get("latent_channels", 3), config.channels),
            }
            sizes = (config.side, halvings(config.movq), config.width)
        agree(config.reads | pairs, where)
        if not all(0 < size <= 8192 for size in sizes):
            refuse(where, f"it has the sizes {sizes}")
        return config


def kandinsky_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = KandinskyConfig.from_dict(card["config"], folder.name)
    side = config.side * halvings(config.movq)
    return DenoiserInfo.of_card(folder, card, bundled, side, latent=True, own_encoder=True)
