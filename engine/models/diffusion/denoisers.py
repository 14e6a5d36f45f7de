"""Cards of diffusion models and of noise-aware classifiers: read, checked, told. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from engine.checkpoints.digest import weights_sha256
from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Prediction, Schedule
from engine.diffusion.unet_config import UNetConfig
from engine.errors import ModelError
from engine.guides import ClassifierInfo, NoisyClipInfo
from engine.models.card import WEIGHTS, read_card
from engine.models.shared_weights import whole_weights

DENOISER, CLASSIFIER, NOISY_CLIP = "diffusion", "noisy-classifier", "noisy-clip"
UNET = "unet.onnx"
HELPED = "unet_helped.onnx"  # the same, beside ControlNets
PAG = 1.0  # of a model that was taught here; 1.5 is too much


@dataclass(frozen=True)
class DenoiserConfig:
    """What a card says of a diffusion model. classes: their names, as many as the U-Net has.
    clip: the digest of the CLIP that reads its texts."""

    unet: UNetConfig
    schedule: Schedule
    prediction: Prediction
    classes: tuple[str, ...] = ()
    lcm: bool = False
    clip: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "unet": self.unet.to_dict(),
            "schedule": self.schedule.to_dict(),
            "prediction": self.prediction,
            "classes": list(self.classes),
            "lcm": self.lcm,
            "clip": self.clip,
        }


def denoiser_config(card: Mapping[str, Any], folder: Path) -> DenoiserConfig:
    """Read it from a card. Raises ModelError that says what is wrong."""
    plain = card["config"]
    try:
        config = DenoiserConfig(
            UNetConfig.from_dict(plain["unet"]),
            Schedule(**plain["schedule"]),
            plain["prediction"],
            tuple(plain["classes"]),
            bool(plain.get("lcm", False)),
            str(plain.get("clip", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        _refuse(folder, str(error)[:120])
    if config.prediction not in ("epsilon", "x0", "v"):
        _refuse(folder, f"it predicts {str(config.prediction)[:40]!r}")
    named = all(isinstance(name, str) for name in config.classes)
    if len(config.classes) != config.unet.classes or not named:
        _refuse(folder, f"it names {len(config.classes)} classes of {config.unet.classes}")
    if bool(config.clip) != bool(config.unet.tokens):
        _refuse(folder, "it reads texts and names no CLIP, or the other way round")
    return config


def denoiser_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of a diffusion model without loading it. Raises ModelError."""
    config = denoiser_config(card, folder)
    return DenoiserInfo.of_card(
        folder,
        card,
        bundled,
        config.unet.resolution,
        classes=config.classes,
        upsamples=config.unet.upsamples,
        lcm=config.lcm,
        clip=config.clip,
        usual_pag=PAG if config.unet.attends else 0.0,
    )


def classifier_info(folder: Path, card: Mapping[str, Any]) -> ClassifierInfo:
    """What the rest needs to know of a noise-aware classifier. Raises ModelError."""
    try:
        size, classes = card["config"]["size"], tuple(map(str, card["config"]["classes"]))
    except (KeyError, TypeError) as error:
        _refuse(folder, str(error)[:120])
    name, title, sha256 = card["name"], card["title"], card["weights_sha256"]
    return ClassifierInfo(name, title, sha256, size, classes, folder)


def noisy_clip_info(folder: Path, card: Mapping[str, Any]) -> NoisyClipInfo:
    """What the rest needs to know of a noise-aware CLIP. Raises ModelError."""
    try:
        size, clip = int(card["config"]["size"]), str(card["config"]["clip"])
    except (KeyError, TypeError, ValueError) as error:
        _refuse(folder, str(error)[:120])
    return NoisyClipInfo(card["name"], card["title"], card["weights_sha256"], size, clip, folder)


def stored_weights(folder: Path, sha256: str) -> dict[str, np.ndarray]:
    """A model's tensors, checked against its digest. Raises ModelError."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(
            f"The weights of {folder.name} are missing: {path}, expected digest {sha256}.",
            "Install the program again, or train the model again.",
        )
    tensors = whole_weights(folder, read_card(folder))
    if weights_sha256(tensors) != sha256:
        raise ModelError(
            f"The weights of {folder.name} are not those of its card: expected digest {sha256}.",
            "Install the program again, or train the model again.",
        )
    return tensors


def _refuse(folder: Path, words: str) -> NoReturn:
    raise ModelError(
        f"The card of {folder.name} has a damaged config: {words}.",
        "Import or train the model again.",
    )
