"""StyleGAN2 in the layout of the much used PyTorch port by Kim Seonghyeon ("rosinality").

All sizes are told by shapes. Convolution weights are stored unscaled, so they are brought to the
scale at which demodulation guards against zero; filters are stored with the gain of up-sampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.checkpoints.raw import RawNetwork
from engine.models.family import has_part, refuse
from engine.models.published.layout import Converted, Source, floats, mean_w, square_filter
from engine.models.stylegan2_layout import MAX_RESOLUTION, infer_config

TITLE = "StyleGAN2 (rosinality)"
_UP_GAIN = 4.0
_USUAL = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32) / 64


def recognises(network: RawNetwork) -> bool:
    """See Layout."""
    return "input.input" in network.tensors or "conv1.conv.weight" in network.tensors


def convert(network: RawNetwork, extra: Mapping[str, Any], where: str) -> Converted:
    """See Layout. extra["latent_avg"]: the mean of w; drawn anew where training left it out."""
    stored = floats(network.tensors)
    average = extra.get("latent_avg")
    if isinstance(average, np.ndarray):
        stored |= floats({"latent_avg": average.reshape(-1)})
    source = Source(stored, where, TITLE)
    tensors = _mapping(source) | _synthesis(source)
    known = source.has("latent_avg")
    tensors["mapping.w_avg"] = (
        source.take("latent_avg", "mapping.w_avg", None) if known else tensors["mapping.fc0.bias"]
    )
    source.finish()
    config = infer_config(tensors, where, None, source.origins)
    if not known:
        tensors["mapping.w_avg"] = mean_w(tensors)
    return config, tensors


def _mapping(source: Source) -> dict[str, np.ndarray]:
    """style.0 normalises and has no weights, so the layers count from 1."""
    tensors: dict[str, np.ndarray] = {}
    index = 1
    while index == 1 or source.has(f"style.{index}.weight", f"style.{index}.bias"):
        weight, bias = f"mapping.fc{index - 1}.weight", f"mapping.fc{index - 1}.bias"
        tensors[weight] = source.take(f"style.{index}.weight", weight, None, None)
        tensors[bias] = source.take(f"style.{index}.bias", bias, None)
        index += 1
    return tensors


def _synthesis(source: Source) -> dict[str, np.ndarray]:
    # Layers that resample nothing hold a filter in our layout too, of the model's length.
    usual = _filter(source, "to_rgbs.0.upsample.kernel", "synthesis.b4", keep=True)
    tensors = {
        "synthesis.b4.const": source.take("input.input", "synthesis.b4.const", 1, None, 4, 4)[0],
        "synthesis.b4.resample_filter": usual,
    }
    tensors |= _convolution(source, "conv1", "synthesis.b4.conv1", 0, 4, usual)
    tensors |= _torgb(source, "to_rgb1", "synthesis.b4.torgb")
    step, size = 0, 8
    while size <= MAX_RESOLUTION and has_part(source.left, f"to_rgbs.{step}."):
        block, first = f"synthesis.b{size}", 2 * step
        blur = _filter(source, f"convs.{first}.conv.blur.kernel", f"{block}.conv0")
        for index, taps in ((first, blur), (first + 1, usual)):
            name = f"{block}.conv{index - first}"
            tensors |= _convolution(source, f"convs.{index}", name, index + 1, size, taps)
        tensors[f"{block}.resample_filter"] = _filter(
            source, f"to_rgbs.{step}.upsample.kernel", block
        )
        tensors |= _torgb(source, f"to_rgbs.{step}", f"{block}.torgb")
        step, size = step + 1, size * 2
    return tensors


def _convolution(
    source: Source, theirs: str, ours: str, index: int, size: int, taps: np.ndarray
) -> dict[str, np.ndarray]:
    tensors = _modulation(source, theirs, ours)
    weight = source.take(f"{theirs}.conv.weight", f"{ours}.weight", 1, None, None, None, None)[0]
    scale = np.float32(1 / np.sqrt(np.prod(weight.shape[1:])))
    strength = source.take(f"{theirs}.noise.weight", f"{ours}.noise_strength", 1)
    return tensors | {
        f"{ours}.weight": weight * scale,
        f"{ours}.bias": source.take(f"{theirs}.activate.bias", f"{ours}.bias", None),
        f"{ours}.noise_strength": strength.reshape(()),
        f"{ours}.noise_const": _noise(source, ours, index, size),
        f"{ours}.resample_filter": taps,
    }


def _torgb(source: Source, theirs: str, ours: str) -> dict[str, np.ndarray]:
    tensors = _modulation(source, theirs, ours)
    weight = source.take(f"{theirs}.conv.weight", f"{ours}.weight", 1, None, None, 1, 1)
    bias = source.take(f"{theirs}.bias", f"{ours}.bias", 1, None, 1, 1)
    return tensors | {f"{ours}.weight": weight[0], f"{ours}.bias": bias.reshape(-1)}


def _modulation(source: Source, theirs: str, ours: str) -> dict[str, np.ndarray]:
    weight, bias = f"{ours}.affine.weight", f"{ours}.affine.bias"
    return {
        weight: source.take(f"{theirs}.conv.modulation.weight", weight, None, None),
        bias: source.take(f"{theirs}.conv.modulation.bias", bias, None),
    }


def _noise(source: Source, ours: str, index: int, size: int) -> np.ndarray:
    """The stored noise. Early files have none and always draw it: these then get a fixed one."""
    name = f"noises.noise_{index}"
    if source.has(name):
        values: np.ndarray = source.take(name, f"{ours}.noise_const", 1, 1, None, None)[0, 0]
    else:
        values = np.random.RandomState(index).randn(size, size).astype(np.float32)
    return values


def _filter(source: Source, name: str, ours: str, keep: bool = False) -> np.ndarray:
    """A stored filter without its gain; files that leave constants out have the usual one.

    keep: it will be asked for again.
    """
    if not source.has(name):
        return _USUAL
    taps = source.left[name] if keep else source.left.pop(name)
    if taps.ndim not in (1, 2) or not taps.size or taps.dtype.kind != "f":
        refuse(source.where, f"has {name!r} of shape {taps.shape}, which is no filter", TITLE)
    source.origins[f"{ours}.resample_filter"] = name
    return np.asarray(square_filter(taps) / np.float32(_UP_GAIN), np.float32)
