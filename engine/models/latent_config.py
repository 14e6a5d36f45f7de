"""What a card says of a latent diffusion model (Rombach et al., 2022). No torch here.

Such a model is three networks in one file of weights: a U-Net for codes ("unet."), an autoencoder
between codes and pixels ("vae."), and a text encoder ("text."). The settings of the first two are
those of diffusers' classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Prediction, Schedule
from engine.errors import CheckpointError, ModelError
from engine.perception.clip.config import TextSizes, read_config

LATENT = "latent-diffusion"
UNET, VAE, TEXT = "unet.", "vae.", "text."
MOST_LAYERS = 16
MOST_NUMBER = 1 << 20
Settings = Mapping[str, Any]  # of a diffusers class, plain values


@dataclass(frozen=True)
class LatentConfig:
    """unet, vae: settings. text: sizes of the encoder. pad: the token that fills a text up; None
    for the end's."""

    unet: Settings
    vae: Settings
    text: TextSizes
    schedule: Schedule
    prediction: Prediction
    pad: int | None = None

    @property
    def channels(self) -> int:
        """Numbers at each place of a code."""
        return int(self.unet["in_channels"])

    @property
    def side(self) -> int:
        """Of the codes that the U-Net was trained for."""
        return int(self.unet["sample_size"])

    @property
    def scale(self) -> int:
        """Pixels of a side for each place of a code."""
        return halvings(self.vae)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "unet": dict(self.unet),
            "vae": dict(self.vae),
            "text": asdict(self.text),
            "schedule": self.schedule.to_dict(),
            "prediction": self.prediction,
            "pad": self.pad,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> LatentConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        try:
            text = read_config({"text_config": plain["text"]}, where).text
            config = cls(
                plain["unet"], plain["vae"], text, Schedule(**plain["schedule"]),
                plain["prediction"], plain.get("pad"),
            )  # fmt: skip
            for settings in (config.unet, config.vae):
                check_settings(dict(settings), where)
            sizes = (config.channels, config.side, config.scale)
        except CheckpointError as error:
            refuse(where, error.what)
        except (KeyError, TypeError, ValueError) as error:
            refuse(where, f"its settings are incomplete: {str(error)[:120]}")
        if config.prediction not in ("epsilon", "x0", "v"):
            refuse(where, f"it predicts {str(config.prediction)[:40]!r}")
        if not all(0 < size <= 4096 for size in sizes):
            refuse(where, f"its codes have the sizes {sizes}")
        return config


def latent_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = LatentConfig.from_dict(card["config"], folder.name)
    return DenoiserInfo(
        name=card["name"],
        title=card["title"],
        sha256=card["weights_sha256"],
        resolution=config.side * config.scale,
        classes=(),
        upsamples=False,
        lcm=False,
        bundled=bundled,
        folder=folder,
        card=card,
        latent=True,
        own_encoder=True,
    )


def refuse(where: str, words: str) -> NoReturn:
    """Raise ModelError for a model that is not read here."""
    raise ModelError(
        f"{where} is no diffusion pipeline that is read here: {words}.",
        "Give the whole folder of a pipeline that the README lists, as diffusers writes it.",
    )


def halvings(decoder: Settings) -> int:
    """Pixels of a side for each place of a code, as the levels of an autoencoder have it."""
    return 1 << (len(decoder["block_out_channels"]) - 1)


def part_called(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The tensors of one of a card's networks, without its prefix."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def named(where: str, prefix: str) -> str:
    """One of a card's networks, for messages."""
    return f"{where}/{prefix.rstrip('.')}"


def check_settings(settings: dict[str, Any], where: str) -> None:
    """Raise ModelError unless all are numbers of a size that something can be built of, short
    words, and lists of these."""
    for name, value in settings.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            most = MOST_LAYERS if "layers" in name else MOST_NUMBER
            number = isinstance(one, int | float) and abs(one) <= most
            if not (one is None or number or (isinstance(one, str) and len(one) <= 60)):
                refuse(where, f"{name[:60]} is {str(one)[:40]!r}")
        if isinstance(value, list | tuple) and len(value) > MOST_LAYERS:
            refuse(where, f"{name[:60]} has {len(value)} entries")
