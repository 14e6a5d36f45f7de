"""Trains one of the bundled models anew, and makes a model folder of the result."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.errors import TrainingError
from engine.frame import OnProgress, Progress
from engine.training_spec import TrainingSpec, picture_spec

FAMILIES = (
    "portraits-biggan",
    "portraits-stylegan3",
    "portraits-progan",
    "portraits-stylegan",
    "portraits-dcgan",
)
PICTURES, CODER = "pictures", "portraits-autoencoder"
DIFFUSION = (
    "portraits-ddpm",
    "portraits-text",
    "portraits-latent",
    "portraits-upsampler",
    "portraits-noisy-classifier",
    "portraits-noisy-clip",
    "portraits-inpaint",
    "portraits-instruct",
    "portraits-variations",
    "portraits-edges",
    "portraits-pose",
)
NAMES = (
    "portraits-stylegan2",
    "portraits-attributes",
    "portraits-judge",
    "portraits-encoder",
    "portraits-aligner",
    "portraits-clip",
    CODER,
    *FAMILIES,
    PICTURES,
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
    loss: str | None = None,
    pictures: Path | None = None,
    size_px: int = 32,
    grows: bool = False,
    steps: int | None = None,
    start: Path | None = None,
) -> Path:
    """Train until the plan ends, the minutes are over or `cancel` is set; returns the folder.

    work: checkpoints, metrics and sample sheets; a run found there goes on. out: the model folder
    to write, work/model when None. loss: the name of a GAN's loss, None for its usual one.
    pictures, size_px, grows, steps: for the name "pictures", a folder of one's own, None for
    Portraits; whether it grows from 4 px; where the run ends, None for the usual place. start: of
    diffusion models and of the autoencoder, the folder of one that a new run begins with. Raises
    TrainingError for a name that is not trained here, RecipeError for a loss that there is not.
    """
    if name not in NAMES:
        raise TrainingError(f"There is no training called {name!r}.", f"Use {', '.join(NAMES)}.")
    if name != PICTURES and (grows or steps is not None):
        option = "--grow" if grows else "--steps"
        raise TrainingError(f"{name} takes no {option}.", f"Use it with {PICTURES}.")
    if start is not None and name not in (*DIFFUSION, CODER):
        raise TrainingError(
            f"{name} takes no --from.", f"Use it with a diffusion model or {CODER}."
        )
    folder = out or work / "model"
    if name == "portraits-stylegan2":
        return _stylegan2(work, folder, progress, cancel, minutes, device, loss)
    if name == PICTURES:
        spec = picture_spec(pictures, size_px, loss, grows=grows, steps=steps)
        return _pictures(spec, work, folder, progress, cancel, minutes)
    if loss is not None:
        raise TrainingError(
            f"{name} is not trained by a game and takes no --loss.",
            "Use it with portraits-stylegan2 or with pictures.",
        )
    if name == "portraits-encoder":
        return _encoder(work, folder, progress, cancel, minutes)
    if name == "portraits-aligner":
        from engine.models.bundled import bundled_folder
        from engine.training.train_aligner import AlignerSpec, train_aligner

        eyes = bundled_folder() / "portraits-attributes"
        return train_aligner(AlignerSpec(eyes, minutes=minutes), folder, progress, cancel)
    if name == "portraits-clip":
        return _clip(work, folder, progress, cancel, minutes)
    if name == CODER:
        return _autoencoder(work, folder, progress, cancel, minutes, device, start)
    if name in FAMILIES:
        return _family(name, work, folder, progress, cancel, minutes, device)
    if name in DIFFUSION:
        return _diffusion(name, work, folder, progress, cancel, minutes, device, start)
    from engine.training import regression, train_attributes, train_judge

    source = train_attributes if name == "portraits-attributes" else train_judge
    return regression.train(replace(source.spec(), minutes=minutes), folder, progress, cancel)


def _pictures(
    spec: TrainingSpec,
    work: Path,
    folder: Path,
    progress: OnProgress,
    cancel: CancelToken,
    minutes: float | None,
) -> Path:
    """A GAN on a folder of pictures or on Portraits; the model is named after its run."""
    from queue import SimpleQueue

    from engine.course import PictureView
    from engine.services.picture_model import keep_model
    from engine.training.picture_run import train_pictures

    began = time.monotonic()

    def show(view: PictureView) -> None:
        if minutes is not None and time.monotonic() - began > 60 * minutes:
            enough.cancel()
        if cancel.cancelled:
            enough.cancel()
        losses = (
            f", losses {view.loss_d[-1]:.2f} and {view.loss_g[-1]:.2f}" if len(view.steps) else ""
        )
        words = f"{view.words}: {view.images:,} images{losses}"
        progress(Progress(words, view.images / view.total, view.left_s))

    enough = CancelToken()
    run = Path(train_pictures(spec, work, show, enough, SimpleQueue()))
    return folder.parent / keep_model(run, folder.parent, progress, CancelToken())


def _encoder(
    work: Path, folder: Path, progress: OnProgress, cancel: CancelToken, minutes: float | None
) -> Path:
    """The encoder of the generator that is bundled now."""
    from engine.models.bundled import bundled_folder
    from engine.models.card import info_of, read_card
    from engine.models.opened import open_model
    from engine.training.train_encoder import EncoderSpec, train_encoder

    source = bundled_folder() / "portraits-stylegan2"
    model = open_model(info_of(source, read_card(source), bundled=True), "torch")
    return train_encoder(EncoderSpec(work, minutes=minutes), model, folder, progress, cancel)


def _told(progress: OnProgress) -> Callable[[Any], None]:
    """Hears what a trainer says of itself, and tells it as the rest of the program does."""
    return lambda step: progress(Progress(step.message, step.fraction, step.remaining_s))


def _autoencoder(
    work: Path,
    folder: Path,
    progress: OnProgress,
    cancel: CancelToken,
    minutes: float | None,
    device: str | None,
    start: Path | None,
) -> Path:
    from engine.training.autoencoder_run import AutoencoderSpec
    from engine.training.decoder_run import further
    from engine.training.train_autoencoder import train_autoencoder

    spec = AutoencoderSpec(work, minutes=minutes, device=device or "auto")
    if start is not None:
        spec = further(spec, start)
    return train_autoencoder(spec, folder, progress, cancel)


def _clip(
    work: Path, folder: Path, progress: OnProgress, cancel: CancelToken, minutes: float | None
) -> Path:
    """The CLIP that looks through the attribute network that is bundled now."""
    from engine.models.bundled import bundled_folder
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
        "rivalry": 0.25,
        "z_dim": 64,
    }


def _stylegan2(
    work: Path,
    folder: Path,
    progress: OnProgress,
    cancel: CancelToken,
    minutes: float | None,
    device: str | None,
    loss: str | None,
) -> Path:
    from engine.services.bundle import bundle_stylegan2
    from engine.training.options import TrainStyleGAN2
    from engine.training.regression import machine
    from engine.training.train_stylegan2 import train
    from engine.training_spec import loss_named

    # A loss that is asked for is played with from the beginning: lessons know no loss.
    more: dict[str, Any] = _economy(device) if loss is None else {"loss": loss_named(loss)}
    spec = TrainStyleGAN2(work=work, minutes=minutes, device=device or "auto", **more)

    train(spec, _told(progress), cancel)
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

    train(spec, _told(progress), cancel)
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
    start: Path | None,
) -> Path:
    from engine.models.card import read_card
    from engine.services.bundle_diffusion import bundle
    from engine.training.diffusion_spec import SPECS, further
    from engine.training.finetuning.specs import FINE
    from engine.training.regression import machine
    from engine.training.train_diffusion import train

    spec = replace({**SPECS, **FINE}[name](work), minutes=minutes, device=device or "auto")
    if start is not None:
        # What begins with another model anyway begins with this one, or goes on with itself.
        another = name in FINE and read_card(start)["name"] != name
        spec = replace(spec, start=start) if another else further(spec, start)

    train(spec, _told(progress), cancel)
    progress(Progress("Writing the model folder", 1.0))
    bundle(spec, folder, machine())
    return folder
