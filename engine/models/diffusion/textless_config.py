"""What a card says of a published diffusion model that reads no texts. No torch here.

Such a model is one network ("net."), of pixels or of the codes of a decoder ("vae."). The settings
of both are those of diffusers' classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Prediction, Schedule
from engine.models.diffusion.part_settings import (
    Settings,
    check_settings,
    halvings,
    reading,
    refuse,
)

TEXTLESS = "textless-diffusion"
NET = "net."
Kind = Literal["UNet2DModel", "DiTTransformer2DModel"]
Decodes = Literal["", "VQModel", "AutoencoderKL"]


@dataclass(frozen=True)
class TextlessConfig:
    """kind, decodes: diffusers' classes of network and decoder, "" for none. net, decoder: their
    settings. classes: their names."""

    kind: Kind
    net: Settings
    schedule: Schedule
    prediction: Prediction
    decodes: Decodes = ""
    decoder: Settings | None = None
    classes: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        """Numbers at each place of what the network makes."""
        return int(self.net.get("in_channels", 3))

    @property
    def side(self) -> int:
        """Of what the network was trained for."""
        size = self.net["sample_size"]
        if isinstance(size, list | tuple):
            height, width = size
            if height != width:
                raise ValueError(f"its pictures of {width} x {height} are no squares")
            size = height
        return int(size)

    @property
    def scale(self) -> int:
        """Pixels of a side for each of these places."""
        return 1 if self.decoder is None else halvings(self.decoder)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "net": dict(self.net),
            "schedule": self.schedule.to_dict(),
            "prediction": self.prediction,
            "decodes": self.decodes,
            "decoder": None if self.decoder is None else dict(self.decoder),
            "classes": list(self.classes),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> TextlessConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        with reading(where):
            config = cls(
                plain["kind"], plain["net"], Schedule(**plain["schedule"]), plain["prediction"],
                plain.get("decodes", ""), plain.get("decoder"), tuple(plain.get("classes", ())),
            )  # fmt: skip
            for settings in (config.net, config.decoder or {}):
                check_settings(dict(settings), where)
            sizes = (config.channels, config.side, config.scale)
        if config.kind not in get_args(Kind) or config.decodes not in get_args(Decodes):
            refuse(where, f"its parts are {str(config.kind)[:40]!r}, {str(config.decodes)[:40]!r}")
        if config.prediction not in ("epsilon", "x0", "v"):
            refuse(where, f"it predicts {str(config.prediction)[:40]!r}")
        if not all(0 < size <= 4096 for size in sizes):
            refuse(where, f"its pictures have the sizes {sizes}")
        if not all(isinstance(name, str) and len(name) <= 200 for name in config.classes):
            refuse(where, "the names of its classes are no words")
        _check_channels(config, where)
        return config


def _check_channels(config: TextlessConfig, where: str) -> None:
    """Raises ModelError where what is made cannot be shown."""
    out = config.net.get("out_channels", 3)
    # A transformer may tell of its variance, too.
    told = (config.channels,) if config.kind == "UNet2DModel" else (
        config.channels, 2 * config.channels, None,
    )  # fmt: skip
    if out not in told:
        refuse(where, f"its network takes {config.channels} channels and makes {str(out)[:20]}")
    if config.decoder is None:
        if config.channels not in (1, 3):
            refuse(where, f"its pictures have {config.channels} channels, neither 1 nor 3")
        return
    usual = 3 if config.decodes == "VQModel" else 4
    wide = config.decoder.get("vq_embed_dim") or config.decoder.get("latent_channels", usual)
    if wide != config.channels:
        refuse(where, f"its network makes {config.channels} channels, its decoder takes {wide}")


def textless_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = TextlessConfig.from_dict(card["config"], folder.name)
    return DenoiserInfo.of_card(
        folder,
        card,
        bundled,
        config.side * config.scale,
        classes=config.classes,
        latent=config.decoder is not None,
    )
