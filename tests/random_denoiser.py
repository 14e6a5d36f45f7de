"""A tiny diffusion model, upsampler and classifier with random weights, without ONNX graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from engine.diffusion.schedule import Schedule
from engine.diffusion.unet import PixelUNet
from engine.diffusion.unet_config import UNetConfig
from engine.models.denoisers import CLASSIFIER, DENOISER, DenoiserConfig
from engine.models.folder import write_folder
from engine.perception.noisy_classifier import NoisyClassifier, NoisyClassifierConfig

CLASSES = ("a", "b", "c", "d")


def write_random_denoisers(parent: Path) -> None:
    """Three model folders: tiny-ddpm, tiny-upsampler, tiny-classifier."""
    torch.manual_seed(0)
    for name, upsamples in (("tiny-ddpm", False), ("tiny-upsampler", True)):
        classes = () if upsamples else CLASSES
        unet = UNetConfig(16 * (1 + upsamples), 2, (8, 16), 1, len(classes), upsamples)
        net = PixelUNet(unet)
        torch.nn.init.normal_(net.unet.conv_out.weight, std=0.05)
        config = DenoiserConfig(unet, Schedule("cosine", most_beta=0.1), "v", classes)
        facts = {"name": name, "title": name}
        write_folder(parent / name, DENOISER, config.to_dict(), _arrays(net.unet), facts)
    small = NoisyClassifierConfig(16, 2, (8, 16))
    plain = {**small.to_dict(), "classes": list(CLASSES)}
    facts = {"name": "tiny-classifier", "title": "tiny-classifier"}
    write_folder(
        parent / "tiny-classifier", CLASSIFIER, plain, _arrays(NoisyClassifier(small)), facts
    )


def _arrays(net: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.numpy().astype(np.float16) for name, value in net.state_dict().items()}
