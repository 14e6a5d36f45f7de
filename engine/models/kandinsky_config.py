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
from engine.errors import CheckpointError
from engine.models.latent_config import Settings, check_settings, halvings, refuse
from engine.perception.clip.config import TextSizes, VisionSizes, read_config

KANDINSKY = "kandinsky-diffusion"
TEXT, EYES, PRIOR, UNET, MOVQ = "text.", "eyes.", "prior.", "unet.", "movq."
SETTINGS = ("prior", "unet", "movq")
SCHEDULES = ("thinking", "drawing")


@dataclass(frozen=True)
class KandinskyConfig:
    """text, eyes: sizes of the CLIP; pad: see LatentConfig. prior, unet, movq: settings. thinking,
    drawing: the noise of prior and U-Net. bound: of what the prior says."""

    text: TextSizes
    eyes: VisionSizes
    prior: Settings
    unet: Settings
    movq: Settings
    thinking: Schedule
    drawing: Schedule
    pad: int | None = None
    bound: float = 5.0

    @property
    def width(self) -> int:
        """Numbers of what a CLIP says of a picture, or of a whole text."""
        return int(self.prior["embedding_dim"])

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
        plain: dict[str, Any] = {name: dict(getattr(self, name)) for name in SETTINGS}
        plain |= {name: getattr(self, name).to_dict() for name in SCHEDULES}
        plain |= {"text": asdict(self.text), "eyes": asdict(self.eyes)}
        return {**plain, "pad": self.pad, "bound": self.bound}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> KandinskyConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        try:
            known: dict[str, Any] = {name: plain[name] for name in SETTINGS}
            known |= {name: Schedule(**plain[name]) for name in SCHEDULES}
            known |= {"pad": plain.get("pad"), "bound": float(plain.get("bound", 5.0))}
            clip = read_config(
                {"text_config": plain["text"], "vision_config": plain["eyes"]}, where
            )
            config = cls(clip.text, clip.vision, **known)
            for name in SETTINGS:
                check_settings(dict(known[name]), where)
            pairs = {
                "the width of its tokens": (config.text.hidden_size, config.width),
                "the tokens of its prior": (
                    config.prior.get("num_embeddings", 77), config.text.max_position_embeddings),
                "what its U-Net is told": (config.unet.get("encoder_hid_dim"), config.width),
                "how its U-Net is told": (
                    (config.unet.get("encoder_hid_dim_type"),
                     config.unet.get("addition_embed_type")), ("image_proj", "image")),
                "its codes": (config.movq.get("latent_channels", 3), config.channels),
            }  # fmt: skip
            sizes = (config.side, halvings(config.movq), config.width)
        except CheckpointError as error:
            refuse(where, error.what)
        except (KeyError, TypeError, ValueError) as error:
            refuse(where, f"its settings are incomplete: {str(error)[:120]}")
        for what, (got, wanted) in pairs.items():
            if got != wanted:
                refuse(where, f"{what}: {str(got)[:40]} where {str(wanted)[:40]} is needed")
        if not all(0 < size <= 8192 for size in sizes):
            refuse(where, f"it has the sizes {sizes}")
        return config


def kandinsky_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = KandinskyConfig.from_dict(card["config"], folder.name)
    side = config.side * halvings(config.movq)
    return DenoiserInfo.of_card(folder, card, bundled, side, latent=True, own_encoder=True)
