"""A tiny diffusion model, upsampler and classifier with random weights, without ONNX graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from engine.diffusion.schedule import Schedule
from engine.diffusion.unet import PixelUNet
from engine.diffusion.unet_config import UNetConfig
from engine.models.diffusion.denoiser_folder import write_denoiser
from engine.models.diffusion.denoisers import CLASSIFIER, DENOISER, DenoiserConfig
from engine.models.folder import write_folder
from engine.perception.noisy_classifier import NoisyClassifier, NoisyClassifierConfig

CLASSES = ("a", "b", "c", "d")
SCHEDULE = Schedule("cosine", most_beta=0.1)


def write_random_denoisers(parent: Path) -> None:
    """Three model folders: tiny-ddpm, tiny-upsampler, tiny-classifier."""
    torch.manual_seed(0)
    for name, upsamples in (("tiny-ddpm", False), ("tiny-upsampler", True)):
        classes = () if upsamples else CLASSES
        unet = UNetConfig(16 * (1 + upsamples), 2, (8, 16), 1, len(classes), upsamples)
        net = PixelUNet(unet)
        torch.nn.init.normal_(net.unet.get_parameter("conv_out.weight"), std=0.05)
        config = DenoiserConfig(unet, SCHEDULE, "v", classes)
        facts = {"name": name, "title": name}
        write_folder(parent / name, DENOISER, config.to_dict(), _arrays(net.unet), facts)
    small = NoisyClassifierConfig(16, 2, (8, 16))
    plain = {**small.to_dict(), "classes": list(CLASSES)}
    facts = {"name": "tiny-classifier", "title": "tiny-classifier"}
    write_folder(
        parent / "tiny-classifier", CLASSIFIER, plain, _arrays(NoisyClassifier(small)), facts
    )


def write_random_text_model(parent: Path, clip: str, *, graph: bool = False) -> None:
    """The model folder tiny-text, with an ONNX graph or without. clip: the digest of a CLIP of the
    bundled one's sizes."""
    torch.manual_seed(0)
    unet = UNetConfig(16, 2, (8, 16), tokens=64, text_width=96)
    net = PixelUNet(unet)
    torch.nn.init.normal_(net.unet.get_parameter("conv_out.weight"), std=0.05)
    config = DenoiserConfig(unet, SCHEDULE, "v", clip=clip)
    facts = {"name": "tiny-text", "title": "tiny-text"}
    if graph:
        write_denoiser(parent / "tiny-text", config, _arrays(net.unet), facts)
    else:
        write_folder(parent / "tiny-text", DENOISER, config.to_dict(), _arrays(net.unet), facts)


def _arrays(net: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.numpy().astype(np.float16) for name, value in net.state_dict().items()}
