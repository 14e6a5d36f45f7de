"""What a card says of a model of pixels that reads texts through T5 (Imagen; Saharia et al., 2022,
published as DeepFloyd IF). No torch here.

Such a model is two networks in one file of weights: a U-Net ("unet.") with the settings of
diffusers' class, and the encoder ("text."). A second stage enlarges what a first one drew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Schedule
from engine.models.diffusion.part_settings import Settings, agree, check_settings, reading, refuse
from engine.perception.t5_sizes import T5Sizes, read_t5_sizes

IMAGEN = "imagen-diffusion"
UNET, TEXT = "unet.", "text."
CONTEXT = 77  # tokens of a text, as it was taught
TIMES = 4  # that a second stage enlarges


@dataclass(frozen=True)
class ImagenConfig:
    """unet: settings. text: sizes of the encoder. low: the noise in the small picture that a second
    stage sees; None for a first one."""

    unet: Settings
    text: T5Sizes
    schedule: Schedule
    low: Schedule | None = None

    @property
    def side(self) -> int:
        """Of its pictures, in px."""
        return int(self.unet["sample_size"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "unet": dict(self.unet), "text": asdict(self.text),
            "schedule": self.schedule.to_dict(),
            "low": None if self.low is None else self.low.to_dict(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> ImagenConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        with reading(where):
            low = plain.get("low")
            config = cls(
                plain["unet"], read_t5_sizes(plain["text"], where), Schedule(**plain["schedule"]),
                None if low is None else Schedule(**low),
            )  # fmt: skip
            check_settings(dict(config.unet), where)
            pairs = {
                "its U-Net sees channels": (config.unet["in_channels"], 3 if low is None else 6),
                "its U-Net reads numbers a token": (
                    config.unet.get("encoder_hid_dim"), config.text.d_model),
                "its U-Net has class_embed_type": (
                    config.unet.get("class_embed_type"), None if low is None else "timestep"),
                "its U-Net has addition_embed_type": (
                    config.unet.get("addition_embed_type"), "text"),
            }  # fmt: skip
            side = config.side
        agree(pairs, where)
        if not TIMES <= side <= 4096:
            refuse(where, f"its pictures have {side} px")
        return config


def imagen_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = ImagenConfig.from_dict(card["config"], folder.name)
    small = config.low is not None
    return DenoiserInfo.of_card(
        folder, card, bundled, config.side, own_encoder=True, shown="small" if small else "",
        source_px=config.side // TIMES if small else 0,
    )  # fmt: skip
