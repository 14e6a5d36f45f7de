"""Both backends make the same pictures of every kind of generator, with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.backends.onnx_backend import OnnxBackend
from engine.models.families import family_of
from engine.models.family import Config, Tensors
from engine.models.opened import Model
from engine.models.to_onnx import export_graphs
from engine.models.torch_generator import build_generator
from engine.recipe import Noise
from engine.services.models import passing_info
from tests.random_checkpoints import STYLEGAN2, STYLEGAN3, random_tensors

BAR = 1e-4


def apart(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, as a share of the reference's largest absolute value."""
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def on_onnx(path: Path, config: Config, tensors: Tensors) -> Model:
    """The generator through freshly exported graphs."""
    graphs = export_graphs(build_generator(config, tensors))
    weights = {name: array.astype(np.float32) for name, array in tensors.items()}
    backend = OnnxBackend(graphs.mapping, graphs.synthesis, weights)
    return Model(passing_info(path, config, tensors), backend, weights)


KINDS: dict[str, Config] = {
    "resnet, classes": STYLEGAN2["resnet, classes"],
    "grey, clamped": STYLEGAN2["skip, grey, clamped"],
    "no noise": STYLEGAN2["orig, no noise"],
    "odd filters": STYLEGAN2["odd filters"],
    "StyleGAN3, classes": STYLEGAN3["T, classes"],
    "StyleGAN3, grey": STYLEGAN3["R, grey"],
    "StyleGAN3, clamped": STYLEGAN3["T, clamped"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_both_backends_agree_on_every_kind(kind: str, tmp_path: Path) -> None:
    config, tensors = KINDS[kind], random_tensors(KINDS[kind])
    here = on_onnx(tmp_path, config, tensors)
    there = Model(here.info, torch_backend(config, tensors), tensors)
    z = np.random.RandomState(0).randn(3, config.z_dim).astype(np.float32)
    c = np.eye(3, config.c_dim, dtype=np.float32) if config.c_dim else None
    ws = there.map(z, c)
    assert apart(here.map(z, c), ws) < 1e-5
    for noise in (Noise(), Noise("none"), Noise("random", 7), Noise("const", 0, 2.5)):
        image = there.image(ws, noise)
        side = config.resolution
        assert image.shape == (3, config.img_channels, side, side)
        assert apart(here.image(ws, noise), image) < BAR
        pixels = here.pixels(ws, noise).astype(int)
        assert pixels.shape == (3, side, side, config.img_channels)
        assert np.abs(pixels - there.pixels(ws, noise)).max() <= 1
    assert np.ptp(pixels, axis=(1, 2)).min() > 3  # else any two backends would agree
    if c is not None:
        assert apart(there.synthesize(there.map(z, c[::-1])), there.synthesize(ws)) > 0.01
    layers = len(family_of(config).noisy_layers(config))
    assert here.noisy_layers == layers
    if layers:
        only = Noise("const", 0, (0.0,) * (layers - 1) + (1.0,))
        assert apart(here.image(ws, only), there.image(ws, only)) < BAR


def torch_backend(config: Config, tensors: Tensors) -> Any:
    """The generator in torch."""
    from engine.backends.torch_backend import TorchBackend

    return TorchBackend(build_generator(config, tensors), "cpu")
