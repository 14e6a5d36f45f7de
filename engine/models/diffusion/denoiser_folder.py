"""Writes the folder of a diffusion model: weights, ONNX graph and card. Importing it needs torch.

The graph is checked against torch before anything is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.backends.onnx_backend import open_session, run_session
from engine.diffusion.unet import PixelUNet
from engine.errors import ModelError
from engine.models.diffusion.denoisers import DENOISER, UNET, DenoiserConfig
from engine.models.diffusion.graph import PREFIX
from engine.models.diffusion.open_denoiser import build_unet
from engine.models.folder import write_folder
from engine.models.to_onnx import run_exporter, serialized

MOST_APART = 1e-3
Tensors = Mapping[str, np.ndarray]


def write_denoiser(
    folder: Path, config: DenoiserConfig, tensors: Tensors, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Export, check and write a diffusion model; what lay there is replaced as a whole.

    tensors: by diffusers' names, as they shall be stored. facts: what else the card tells. Returns
    the card. Raises ModelError; then what was there stays.
    """
    graph = export_unet(build_unet(config.unet, tensors, folder.name))

    def more(building: Path) -> tuple[str]:
        (building / UNET).write_bytes(graph)
        return (UNET,)

    plain = config.to_dict()
    return write_folder(folder, DENOISER, plain, tensors, facts, more, replace=True)


def export_unet(net: PixelUNet) -> bytes:
    """The U-Net as ONNX bytes without weights: x, t and what conditions it to `out`.

    Any batch; an upsampler takes any size, too. Raises ModelError when it and torch disagree.
    """
    inputs = _example(net, 2)
    batch = torch.export.Dim("n", min=1, max=4096)
    shapes: dict[str, Any] = {name: {0: batch} for name in inputs}
    if net.config.upsamples:
        step = 2 ** (len(net.config.channels) - 1)
        for axis, name in ((2, "height"), (3, "width")):
            side = torch.export.Dim(name, min=1, max=4096)
            shapes["x"][axis] = 2 * step * side
            shapes["low"][axis] = step * side
    graph = serialized(
        run_exporter(net, inputs, shapes, list(inputs), ["out"]), set(net.state_dict())
    )
    _check(net, graph)
    return graph


def _example(net: PixelUNet, n: int, times: int = 1) -> dict[str, torch.Tensor]:
    config, rng = net.config, torch.Generator().manual_seed(0)
    side = config.resolution * times
    x = torch.randn(n, config.inside, side, side, generator=rng)
    inputs = {"x": x, "t": torch.full((n,), 500.0)}
    if config.upsamples:
        low = torch.randn(n, 3, side // 2, side // 2, generator=rng)
        return {**inputs, "low": low, "level": torch.full((n,), 100.0)}
    if config.tokens:
        inputs["text"] = torch.randn(n, config.tokens, config.text_width, generator=rng)
        if config.beside:
            places = side // config.patch
            inputs["beside"] = torch.randn(n, config.beside, places, places, generator=rng)
        if config.looks:
            inputs["looks"] = torch.randn(n, config.looks, generator=rng)
        return inputs
    if config.classes:
        return {**inputs, "c": torch.eye(config.classes + 1)[:n]}
    return inputs


def _check(net: PixelUNet, graph: bytes) -> None:
    weights = {name: value.numpy() for name, value in net.state_dict().items()}
    session = open_session(graph, weights, 1)
    assert all(name.startswith(PREFIX) for name in weights)
    for n, times in ((1, 1), (3, 2 if net.config.upsamples else 1)):
        feed = _example(net, n, times)
        with torch.inference_mode():
            wanted = net(**feed).numpy()
        got = run_session(session, "out", {name: part.numpy() for name, part in feed.items()})
        apart = float(np.abs(got - wanted).max())
        if not apart <= MOST_APART:
            raise ModelError(
                f"The ONNX graph of the U-Net differs from torch by {apart:.2g}; at most "
                f"{MOST_APART} is allowed.",
                "Keep the torch backend for this model, and report this.",
            )
