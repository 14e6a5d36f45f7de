"""Writes the folder of a diffusion model: weights, ONNX graph and card. Importing it needs torch.

The graph is checked against torch before anything is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.backends.onnx_backend import open_session, run_session
from engine.diffusion.residuals import joined
from engine.diffusion.unet import PixelUNet
from engine.diffusion.unet_config import UNetConfig
from engine.errors import ModelError
from engine.models.diffusion.denoisers import DENOISER, UNET, DenoiserConfig
from engine.models.diffusion.graph import PERTURBED, PREFIX
from engine.models.diffusion.open_denoiser import build_unet
from engine.models.folder import write_folder
from engine.models.to_onnx import run_exporter, serialized

MOST_APART = 1e-3
Tensors = Mapping[str, np.ndarray]
Example = Callable[..., dict[str, torch.Tensor]]


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


def export_unet(net: PixelUNet, helped: bool = False) -> bytes:
    """The U-Net as ONNX bytes without weights: x, t and what conditions it to `out`.

    Any batch; an upsampler takes any size, too. helped: ControlNets add to it. Raises ModelError
    when it and torch disagree.
    """

    def example(n: int, times: int = 1) -> dict[str, torch.Tensor]:
        return _example(net.config, n, times, helped)

    wider: dict[str, dict[int, Any]] = {}
    if net.config.upsamples:
        step = 2 ** (len(net.config.channels) - 1)
        for axis, name in ((2, "height"), (3, "width")):
            side = torch.export.Dim(name, min=1, max=4096)
            wider.setdefault("x", {})[axis] = 2 * step * side
            wider.setdefault("low", {})[axis] = step * side
    return exported(net, example, wider)


def export_control(net: nn.Module, unet: UNetConfig, size: int) -> bytes:
    """A ControlNet beside such a U-Net as ONNX bytes without weights: x, t, text and the picture
    that is followed to what residuals.joined makes of its answer. size: of that picture, in px.
    Raises ModelError when it and torch disagree."""
    beside = replace(unet, beside=0, looks=0)

    def example(n: int) -> dict[str, torch.Tensor]:
        inputs = {name: x for name, x in _example(beside, n).items() if name != PERTURBED}
        rng = torch.Generator().manual_seed(1)
        return {**inputs, "followed": torch.rand(n, 3, size, size, generator=rng)}

    return exported(JoinedControl(net), example)


class JoinedControl(nn.Module):
    """A ControlNet whose answer is one row."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.unet: Any = net

    def forward(
        self,
        x: Float[Tensor, "n c s s"],
        t: Float[Tensor, " n"],
        text: Float[Tensor, "n tokens width"],
        followed: Float[Tensor, "n 3 r r"],
    ) -> Float[Tensor, "n numbers"]:
        """followed: in [0, 1]."""
        return joined(*self.unet(x, t, text, followed, return_dict=False))


def exported(
    net: nn.Module, example: Example, wider: Mapping[str, Mapping[int, Any]] = MappingProxyType({})
) -> bytes:
    """A network as ONNX bytes without weights. example: of its inputs, for so many pictures, and so
    many times as large where wider says which sides may change. Raises ModelError when it and
    torch disagree."""
    inputs = example(2)
    batch = torch.export.Dim("n", min=1, max=4096)
    shapes: dict[str, Any] = {name: {0: batch, **wider.get(name, {})} for name in inputs}
    graph = serialized(
        run_exporter(net, inputs, shapes, list(inputs), ["out"]), set(net.state_dict())
    )
    _check(net, graph, [example(1), example(3, 2) if wider else example(3)])
    return graph


def _example(
    config: UNetConfig, n: int, times: int = 1, helped: bool = False
) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    side = config.resolution * times
    x = torch.randn(n, config.inside, side, side, generator=rng)
    inputs = {"x": x, "t": torch.full((n,), 500.0)}
    if config.attends:
        inputs[PERTURBED] = (torch.arange(n) % 2).float()
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
        if helped:
            numbers = sum(prod(shape) for shape in config.residuals)
            inputs["helped"] = torch.randn(n, numbers, generator=rng)
        return inputs
    if config.classes:
        return {**inputs, "c": torch.eye(config.classes + 1)[:n]}
    return inputs


def _check(net: nn.Module, graph: bytes, examples: Sequence[Mapping[str, torch.Tensor]]) -> None:
    weights = {name: value.numpy() for name, value in net.state_dict().items()}
    session = open_session(graph, weights, 1)
    assert all(name.startswith(PREFIX) for name in weights)
    for feed in examples:
        with torch.inference_mode():
            wanted = net(**feed).numpy()
        got = run_session(session, "out", {name: part.numpy() for name, part in feed.items()})
        apart = float(np.abs(got - wanted).max())
        if not apart <= MOST_APART:
            raise ModelError(
                f"The ONNX graph of the network differs from torch by {apart:.2g}; at most "
                f"{MOST_APART} is allowed.",
                "Keep the torch backend for this model, and report this.",
            )
