"""Trains one of the bundled models anew, and makes a model folder of the result."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.errors import TrainingError
from engine.frame import OnProgress, Progress

FAMILIES = (
    "portraits-biggan",
    "portraits-stylegan3",
    "portraits-progan",
    "portraits-stylegan",
    "portraits-dcgan",
)
DIFFUSION = ("portraits-ddpm", "portraits-upsampler", "portraits-noisy-classifier")
NAMES = (
    "portraits-stylegan2",
    "portraits-attributes",
    "portraits-judge",
    "portraits-encoder",
    "portraits-clip",
    *FAMILIES,
    *DIFFUSION,
)


def train_model(
    name: str,
    work: Path,
    progress: OnProgress,
    cancel: CancelToken,
    *,
    minutes: float | None = None,
    device: str | None = None,
    out: Path | None = None,
) -> Path:
    """Train until the plan ends, the minutes are over or `cancel` is set; returns the folder.

    work: checkpoints, metrics and sample sheets; a run found there goes on. out: the model folder
    to write, work/model when None. Raises TrainingError for a name that is not trained here.
    """
    if name not in NAMES:
        raise TrainingError(f"There is no training called {name!r}.", f"Use {', '.join(NAMES)}.")
    folder = out or work / "model"
    if name == "portraits-stylegan2":
        return _stylegan2(work, folder, progress, cancel, minutes, device)
    if name == "portraits-encoder":
        return _encoder(work, folder, progress, cancel, minutes)
    if name == "portraits-clip":
        return _clip(work, folder, progress, cancel, minutes)
    if name in FAMILIES:
        return _family(name, work, folder, progress, cancel, minutes, device)
    if name in DIFFUSION:
        return _diffusion(name, work, folder, progress, cancel, minutes, device)
    from engine.training import regression, train_attributes, train_judge

    source = train_attributes if name == "portraits-attributes" else train_judge
    return regression.train(replace(source.spec(), minutes=minutes), folder, progress, cancel)


def _encoder(
    work: Path, folder: Path, progress: OnProgress, cancel: CancelToken, minutes: float | None
) -> Path:
    """The encoder of the generator that is bundled now."""
    from engine.models.card import info_of, read_card
    from engine.models.library import bundled_folder
    from engine.models.opened import open_model
    from engine.training.train_encoder import EncoderSpec, train_encoder

    source = bundled_folder() / "portraits-stylegan2"
    model = open_model(info_of(source, read_card(source), bundled=True), "torch")
    return train_encoder(EncoderSpec(work, minutes=minutes), model, folder, progress, cancel)


def _clip(
    work: Path, folder: Path, progress: OnProgress, cancel: CancelToken, minutes: float | None
) -> Path:
    """The CLIP that looks through the attribute network that is bundled now."""
    from engine.models.library import bundled_folder
    from engine.training.train_clip import ClipSpec, train_clip

    spec = ClipSpec(work, bundled_folder() / "portraits-attributes", minutes=minutes)
    return train_clip(spec, folder, progress, cancel)


def _economy(device: str | None) -> dict[str, Any]:
    """What makes two cores go furthest: lessons alone, with a rival that knows what each picture
    should be. A GPU sees millions of pictures in the game and needs none of it.
    """
    from engine.training.hardware import choose_hardware
    from engine.training.options import parse_stages

    if choose_hardware(device or "auto").device.type != "cpu":
        return {}
    return {
        "stages": parse_stages("64:0"),
        "taught": 300_000,
        "perceptual": 0.15,
        "rivalry": 0.2,
        "z_dim": 64,
    }


def _stylegan2(
    work: Path,
    folder: Path,
    progress: OnProgress,
    cancel: CancelToken,
    minutes: float | None,
    device: str | None,
) -> Path:
    from engine.services.bundle import bundle_stylegan2
    from engine.training.options import TrainStyleGAN2
    from engine.training.regression import machine
    from engine.training.train_stylegan2 import train

    spec = TrainStyleGAN2(work=work, minutes=minutes, device=device or "auto", **_economy(device))

    def tell(step: Any) -> None:
        progress(Progress(step.message, step.fraction, step.remaining_s))

    train(spec, tell, cancel)
    progress(Progress("Exporting the ONNX graphs", 1.0))
    bundle_stylegan2(spec, folder, machine())
    return folder


def _family(
    name: str,
    work: Path,
    folder: Path,
    progress: OnProgress,
    cancel: CancelToken,
    minutes: float | None,
    device: str | None,
) -> Path:
    from engine.perception.imagenet import LITE1
    from engine.services.bundle_family import bundle_family
    from engine.training.families.specs import SPECS
    from engine.training.families.train import train
    from engine.training.regression import machine

    spec = replace(SPECS[name](work), minutes=minutes, device=device or "auto")
    if importlib.util.find_spec(LITE1.package) is None:
        spec = spec.by_pixels()

    def tell(step: Any) -> None:
        progress(Progress(step.message, step.fraction, step.remaining_s))

    train(spec, tell, cancel)
    progress(Progress("Exporting the ONNX graphs", 1.0))
    bundle_family(spec, folder, machine())
    return folder


def _diffusion(
    name: str,
    work: Path,
    folder: Path,
    progress: OnProgress,
    cancel: CancelToken,
    minutes: float | None,
    device: str | None,
) -> Path:
    from engine.services.bundle_diffusion import bundle
    from engine.training.diffusion_spec import SPECS
    from engine.training.regression import machine
    from engine.training.train_diffusion import train

    spec = replace(SPECS[name](work), minutes=minutes, device=device or "auto")

    def tell(step: Any) -> None:
        progress(Progress(step.message, step.fraction, step.remaining_s))

    train(spec, tell, cancel)
    progress(Progress("Writing the model folder", 1.0))
    bundle(spec, folder, machine())
    return folder
